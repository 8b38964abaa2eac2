// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

inline constexpr std::string_view kSystemDatabase = "systemdb";
inline constexpr size_t kMaxDatabaseNameBytes = 32;

// Is this a legal name for a database that users see: 1 to 32 bytes, lower-case ASCII letters and
// digits, not the reserved one? It becomes the name of a directory. kInvalidArgument with the texts
// of the contract. Pure.
Status CheckDatabaseName(std::string_view name);

// With its ASCII letters in lower case.
std::string LowerCased(std::string_view name);

}  // namespace immudb
