// SPDX-License-Identifier: Apache-2.0
#include "cli/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace immudb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

// A value with spaces that lost one of them would be stored for ever.
TEST(ShellWords, QuotesKeepWhatStandsInThem) {
  EXPECT_EQ(*SplitShellWords("set  k\t\"paid 120.00  EUR\" "),
            (Words{"set", "k", "paid 120.00  EUR"}));
  EXPECT_EQ(*SplitShellWords(R"(set k 'it is "quoted" \ here')"),
            (Words{"set", "k", R"(it is "quoted" \ here)"}));
  EXPECT_EQ(*SplitShellWords(R"(a'b c'd "")"), (Words{"ab cd", ""}));
  EXPECT_EQ(*SplitShellWords(R"("a\"b\\c\n" \'x\ y)"), (Words{R"(a"b\c\n)", "'x y"}));
}

TEST(ShellWords, NothingIsNoWord) {
  EXPECT_THAT(*SplitShellWords(""), IsEmpty());
  EXPECT_THAT(*SplitShellWords(" \t "), IsEmpty());
}

TEST(ShellWords, AnOpenQuoteIsNamed) {
  EXPECT_THAT(SplitShellWords("set k it's").status().message(), HasSubstr("quote ' is not closed"));
  EXPECT_THAT(SplitShellWords("set k \"x").status().message(), HasSubstr("quote \" is not closed"));
  EXPECT_FALSE(SplitShellWords("set k x\\").ok());
}

TEST(SimilarNames, TwoTypingErrorsOrTheBeginningOfTheName) {
  const Words names = {"get", "set", "safeget", "safeset", "history", "count"};
  EXPECT_THAT(SimilarNames("gte", names), ElementsAre("get"));
  EXPECT_THAT(SimilarNames("SAFE", names), ElementsAre("safeget", "safeset"));
  EXPECT_THAT(SimilarNames("histroy", names), ElementsAre("history"));
  EXPECT_THAT(SimilarNames("xyzzyx", names), IsEmpty());
  EXPECT_THAT(SimilarNames(std::string(100'000, 'g'), names), IsEmpty());
}

}  // namespace
}  // namespace immudb
