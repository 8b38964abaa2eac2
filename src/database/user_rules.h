// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// The rules of the contract for new users and passwords, with its texts. Pure.

inline constexpr size_t kMaxUserNameBytes = 256;
// Of a password that is given to be checked. The rule for new ones demands fewer; the configured
// password of the system administrator may have as many.
inline constexpr size_t kMaxGivenPasswordBytes = 1024;

// Can there be a user with this name and password? Longer ones are refused before anything of them
// is looked at, kept or copied.
inline bool MayBeCredentials(std::string_view name, std::string_view password) {
  return name.size() <= kMaxUserNameBytes && password.size() <= kMaxGivenPasswordBytes;
}

// Letters (ASCII), digits and underscores, at most kMaxUserNameBytes. kInvalidArgument.
Status CheckUserName(std::string_view name);

// 8 to 32 bytes: letters, digits, punctuation, anything that is not ASCII; at least one upper-case
// letter, one digit and one punctuation mark of ASCII. kInvalidArgument.
Status CheckNewPassword(std::string_view password);

}  // namespace immudb
