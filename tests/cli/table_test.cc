// SPDX-License-Identifier: Apache-2.0
//
// Scripts cut these tables by columns.
#include "cli/table.h"

#include <gtest/gtest.h>

namespace immudb {
namespace {

TEST(TextTable, IsLaidOutAsItAlwaysWas) {
  EXPECT_EQ(ToText({.caption = "2 database(s)",
                    .header = {"Database Name"},
                    .rows = {{"*defaultdb"}, {"mydb"}}}),
            "2 database(s)\n"
            "-  -------------  \n"
            "#  Database Name  \n"
            "-  -------------  \n"
            "1  *defaultdb     \n"
            "2  mydb           \n"
            "-  -------------  \n");
  EXPECT_EQ(ToText({.caption = "0 database(s)", .header = {"Database Name"}}), "");
}

TEST(TextTable, ContinuedRowsHaveNoNumberAndNumbersAreAsWideAsTheLast) {
  TextTable table{.caption = "c", .header = {"A", "B"}};
  for (int i = 0; i < 10; ++i) table.rows.push_back({"\xc3\xa4", "x"});
  table.rows.push_back({"", "long"});
  const std::string text = ToText(table);
  EXPECT_NE(text.find("##  A  B     \n"), std::string::npos) << text;
  EXPECT_NE(text.find("10  \xc3\xa4  x     \n       long  \n--"), std::string::npos) << text;
}

}  // namespace
}  // namespace immudb
