// SPDX-License-Identifier: Apache-2.0
//
// The table of all methods: where each may run, and that docs/reliability.md tells the same.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "server/method.h"

namespace immudb {
namespace {

std::string Text(Access access) {
  switch (access) {
    case Access::kOpen:
      return "open";
    case Access::kRead:
      return "read";
    case Access::kWrite:
      return "write";
    case Access::kDatabaseAdmin:
      return "database admin";
    case Access::kSystemAdmin:
      return "system admin";
  }
  return "";
}

std::string Text(RunOn run) {
  switch (run) {
    case RunOn::kPoller:
      return "poller";
    case RunOn::kReader:
      return "readers";
    case RunOn::kAdministration:
      return "administration";
    case RunOn::kLogin:
      return "logins";
  }
  return "";
}

std::string Trimmed(const std::string& cell) {
  const size_t begin = cell.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : cell.substr(begin, cell.find_last_not_of(' ') + 1 - begin);
}

// Of the table of methods: the cells of each row that begins with names in backticks, by name.
std::map<std::string, std::vector<std::string>> DocumentedMethods() {
  std::ifstream page(IMMUDB_RELIABILITY_PAGE);
  std::map<std::string, std::vector<std::string>> methods;
  std::string line;
  while (std::getline(page, line) && line != "## Methods") continue;
  while (std::getline(page, line) && !line.starts_with("## ")) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(Trimmed(cell));
    if (cells.size() < 7 || !cells[1].starts_with('`')) continue;
    std::istringstream names(cells[1]);
    for (std::string name; std::getline(names, name, '`');) {
      if (!name.empty() && name != ", ") methods[name] = cells;
    }
  }
  return methods;
}

// It serves everybody: what grows with the stored data, or hashes a password, holds up all.
TEST(MethodsTest, NothingThatGrowsRunsOnThePoller) {
  for (const Method& method : ServedMethods()) {
    switch (method.cost) {
      case Cost::kConstant:
      case Cost::kEntry:
        EXPECT_NE(method.run, RunOn::kLogin) << method.name;
        break;
      case Cost::kMessage:
        // A write is as large as its request, which is looked at before.
        EXPECT_TRUE(method.run == RunOn::kReader || method.access == Access::kWrite) << method.name;
        break;
      case Cost::kAdministration:
        EXPECT_EQ(method.run, RunOn::kAdministration) << method.name;
        break;
      case Cost::kDatabase:
        EXPECT_EQ(method.run, RunOn::kReader) << method.name;
        break;
      case Cost::kPassword:
        EXPECT_EQ(method.run, RunOn::kLogin) << method.name;
        break;
    }
  }
}

TEST(MethodsTest, EachHasItsRowInThePageOnReliability) {
  const auto documented = DocumentedMethods();
  for (const Method& method : ServedMethods()) {
    const auto found = documented.find(std::string(method.name));
    ASSERT_NE(found, documented.end()) << method.name;
    const std::vector<std::string>& cells = found->second;
    EXPECT_TRUE(cells[2].starts_with(Text(method.access))) << method.name << ": " << cells[2];
    EXPECT_TRUE(cells[3].starts_with(Text(method.run))) << method.name << ": " << cells[3];
    for (const size_t cell : {4, 5, 6}) EXPECT_FALSE(cells[cell].empty()) << method.name;
  }
  EXPECT_EQ(documented.size(), ServedMethods().size())
      << "the page names methods that are not served";
}

}  // namespace
}  // namespace immudb
