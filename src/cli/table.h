// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace immudb {

// A table as the original's programs print it. Cells are padded to the widest of their column, in
// characters of UTF-8; a row with an empty first cell continues the one above and has no number.
struct TextTable {
  std::string caption = {};  // "2 database(s)"
  std::vector<std::string> header = {};
  std::vector<std::vector<std::string>> rows = {};
};

//     2 database(s)
//     -  -------------
//     #  Database Name
//     -  -------------
//     1  *defaultdb
//     2  mydb
//     -  -------------
//
// Each line ends with two spaces (after the last column) and a newline. No rows: empty.
std::string ToText(const TextTable& table);

}  // namespace immudb
