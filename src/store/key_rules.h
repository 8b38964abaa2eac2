// SPDX-License-Identifier: Apache-2.0
//
// Which keys may be written and asked for (spec: semantics, section 6).
#pragma once

#include <cstddef>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// Ok, or kInvalidArgument with `message` for an empty or reserved key. For reads; "!badger!" keys
// are merely never there.
Status CheckKey(std::string_view key, std::string_view message);

// As CheckKey but an empty key is fine: for prefixes and offsets.
Status CheckPrefix(std::string_view prefix, std::string_view message);

// As CheckKey, and refuses what cannot be written: the prefix "!badger!", and stored keys of more
// than kMaxKeyBytes (`stored_bytes`: of the key as it will be hashed).
Status CheckWritableKey(std::string_view key, size_t stored_bytes, std::string_view message);

}  // namespace immudb
