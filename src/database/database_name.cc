// SPDX-License-Identifier: Apache-2.0
#include "database/database_name.h"

#include <algorithm>

#include "database/ascii.h"

namespace immudb {
namespace {

bool IsLowerOrDigit(char c) {
  return IsLower(c) || IsDigit(c);
}

}  // namespace

std::string LowerCased(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (IsUpper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

Status CheckDatabaseName(std::string_view name) {
  if (name == kSystemDatabase) return Status::InvalidArgument("this database name is reserved");
  if (name.empty() || name.size() > kMaxDatabaseNameBytes) {
    return Status::InvalidArgument("database name length outside of limits");
  }
  const auto wrong = std::find_if_not(name.begin(), name.end(), IsLowerOrDigit);
  if (wrong == name.end()) return Status::Ok();
  return Status::InvalidArgument(
      IsPunctuation(*wrong) ? "punctuation marks and symbols are not allowed in database name"
                            : "unrecognized character in database name");
}

}  // namespace immudb
