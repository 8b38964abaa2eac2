// SPDX-License-Identifier: Apache-2.0
#include "database/user_rules.h"

#include <algorithm>
#include <cstddef>

#include "database/ascii.h"

namespace immudb {
namespace {

constexpr size_t kMinPasswordBytes = 8;
constexpr size_t kMaxPasswordBytes = 32;

bool MayStandInName(char c) {
  return IsLower(c) || IsUpper(c) || IsDigit(c) || c == '_';
}

bool MayStandInPassword(char c) {
  return IsLower(c) || IsUpper(c) || IsDigit(c) || IsPunctuation(c) || !IsAscii(c);
}

}  // namespace

Status CheckUserName(std::string_view name) {
  if (!name.empty() && name.size() <= kMaxUserNameBytes &&
      std::all_of(name.begin(), name.end(), MayStandInName)) {
    return Status::Ok();
  }
  return Status::InvalidArgument(name.size() > kMaxUserNameBytes
                                     ? "username is longer than 256 characters"
                                     : "username can only contain letters, digits and underscores");
}

Status CheckNewPassword(std::string_view password) {
  const auto has = [password](bool (*is)(char)) {
    return std::any_of(password.begin(), password.end(), is);
  };
  if (password.size() >= kMinPasswordBytes && password.size() <= kMaxPasswordBytes &&
      std::all_of(password.begin(), password.end(), MayStandInPassword) && has(IsUpper) &&
      has(IsDigit) && has(IsPunctuation)) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "password must have between 8 and 32 letters, digits and special characters of which at "
      "least 1 uppercase letter, 1 digit and 1 special character");
}

}  // namespace immudb
