// SPDX-License-Identifier: Apache-2.0
#include "database/database_name.h"

#include <algorithm>

namespace immudb {
namespace {

bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool IsPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

}  // namespace

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
