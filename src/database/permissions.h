// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace immudb {

// What a user may do in a database, as it travels on the wire and stands in user records.
enum class Permission : uint32_t {
  kNone = 0,
  kRead = 1,
  kReadWrite = 2,
  kDatabaseAdmin = 254,
  kSystemAdmin = 255,
};

// The system administrator is one by name.
inline constexpr std::string_view kSystemAdminName = "immudb";
inline constexpr std::string_view kDefaultAdminPassword = "immudb";

// The database of a permission that holds everywhere.
inline constexpr std::string_view kAnyDatabase = "*";

}  // namespace immudb
