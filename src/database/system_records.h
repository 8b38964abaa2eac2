// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace immudb {

// What the entries of the system database are, by the first byte of their key. JSON values; each
// change is a new version, so that the history of every record is kept and can be proven.
inline constexpr char kUserRecord = '\x01';      // || user name
inline constexpr char kDatabaseRecord = '\x02';  // || database name
inline constexpr char kTamperRecord = '\x04';    // || database name
inline constexpr char kServerRecord = '\x05';    // the only one: who this server is
inline constexpr char kAuditRecord =
    '\x03';  // || microseconds since 1970, u64 BE || number, u32 BE

}  // namespace immudb
