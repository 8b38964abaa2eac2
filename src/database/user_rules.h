// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "immudb/status.h"

namespace immudb {

// The rules of the contract for new users and passwords, with its texts. Pure.

// Letters (ASCII), digits and underscores, at most 256 of them. kInvalidArgument.
Status CheckUserName(std::string_view name);

// 8 to 32 bytes: letters, digits, punctuation, anything that is not ASCII; at least one upper-case
// letter, one digit and one punctuation mark of ASCII. kInvalidArgument.
Status CheckNewPassword(std::string_view password);

}  // namespace immudb
