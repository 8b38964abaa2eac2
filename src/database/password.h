// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// Argon2id with libsodium's "interactive" cost: some tens of milliseconds and 64 MiB a call. Never
// to be called from a thread that others wait for. Thread-safe.

// The text to store: algorithm, cost, salt and hash. kResourceExhausted if there is no memory.
Result<std::string> HashPassword(std::string_view password);

// Does the password belong to this text of HashPassword()? A malformed text matches nothing.
bool PasswordMatches(const std::string& hash, std::string_view password);

// Takes as long as PasswordMatches(): for users that do not exist, so that the time of the answer
// does not tell that.
void SpendTimeOfPasswordMatch(std::string_view password);

}  // namespace immudb
