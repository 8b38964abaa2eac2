// SPDX-License-Identifier: Apache-2.0
#include "cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace immudb {
namespace {

std::string Toml(const std::string& line) {
  const auto entries = ParseToml(line);
  return entries.ok() && entries->size() == 1 ? entries->front().value : "refused";
}

std::string Ini(const std::string& line) {
  const auto entries = ParseIni(line, "immudb");
  return entries.ok() && entries->size() == 1 ? entries->front().value : "refused";
}

// A password must arrive whole, whatever it is made of.
TEST(ConfigFile, QuotedTextKeepsEveryCharacter) {
  EXPECT_EQ(Toml(R"(k = "Pass#1, two;three = four")"), "Pass#1, two;three = four");
  EXPECT_EQ(Toml(R"(k = 'C:\dir #1' # comment)"), R"(C:\dir #1)");
  EXPECT_EQ(Toml(R"(k = "a\"b\\c\n")"), "a\"b\\c\n");
  EXPECT_EQ(Ini(R"(k = "Pass#1;2")"), "Pass#1;2");
  EXPECT_EQ(Ini("k = Pass#1;2"), "Pass#1;2");
  EXPECT_EQ(Ini("k = word ; comment"), "word");
  EXPECT_EQ(Ini("k = two words # comment"), "two words");
  EXPECT_EQ(Ini("k ="), "");
}

TEST(ConfigFile, TomlScalarsAndComments) {
  EXPECT_EQ(Toml("k = true"), "true");
  EXPECT_EQ(Toml("  \"k\" = 1_000 # one thousand"), "1000");
  EXPECT_EQ(Toml("k=-5"), "-5");
  EXPECT_EQ(Toml("k = \"\"\r"), "");
  const auto entries = ParseToml("# only\n\n  # comments\n");
  EXPECT_TRUE(entries.ok() && entries->empty());
}

TEST(ConfigFile, MalformedLinesAreRefusedNotGuessed) {
  for (const char* line : {"k", "= 1", "k = bare", "k = \"open", "k = 'open", "k = \"a\" b",
                           "k = \"a\\q\"", "k =", "[section]", "a b = 1", "k = 1\nk = 2",
                           "k = 32MiB", "k = \"\"\"x\"\"\"", "k = [1, 2]"}) {
    EXPECT_FALSE(ParseToml(line).ok()) << line;
  }
  for (const char* line : {"k", "= 1", "k = \"open", "[other]", "k = 1\nk = 2", "k = \"a\" b"}) {
    EXPECT_FALSE(ParseIni(line, "immudb").ok()) << line;
  }
}

TEST(ConfigFile, IniSectionsOfTheProgramAreUnderstood) {
  const auto entries = ParseIni("[default]\na = 1\n[immudb]\nb = 2\n", "immudb");
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ(entries->back().line, 4);
}

TEST(ConfigFile, ErrorsDoNotRepeatTheLine) {
  const auto entries = ParseToml("admin-password = Secret1!\n");
  EXPECT_THAT(entries.status().message(), testing::HasSubstr("line 1"));
  EXPECT_THAT(entries.status().message(), testing::Not(testing::HasSubstr("Secret1")));
}

TEST(ConfigFile, OtherKindsOfFilesAreRefused) {
  EXPECT_THAT(ReadConfigFile("settings.yaml", "immudb").status().message(),
              testing::HasSubstr("settings.yaml"));
}

}  // namespace
}  // namespace immudb
