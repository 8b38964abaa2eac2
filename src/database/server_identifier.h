// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "immudb/status.h"

namespace immudb {

class AuditTrail;
class FileSystem;
class Store;

// Who this server is, for as long as its data lives: clients keep their trusted roots under it.
// 12 bytes in the layout of an xid: seconds since 1970 (big-endian), then random bytes.
using ServerIdentifier = std::array<uint8_t, 12>;

// The file in the directory of the default database that holds the 12 bytes.
inline constexpr char kServerIdentifierFile[] = "immudb.identifier";

// kNotFound: `directory` has no such file. kDataLoss: the file holds something else than 12 bytes
// that are not all zero.
Result<ServerIdentifier> ReadServerIdentifier(FileSystem& fs, const std::string& directory);

// Makes an identifier that no other server has, durably, in place of what the file holds.
Result<ServerIdentifier> MakeServerIdentifier(FileSystem& fs, const std::string& directory);

// The identity of this server. The system database keeps a copy of it: a file that is missing or
// damaged is written anew from that, with an audit record. A good file that differs from the copy
// was brought by a restore; it is believed, and recorded. Without file and copy one is made if it
// `may_be_new`; else kFailedPrecondition with what to do, because clients and auditors keep their
// trusted roots under it.
Result<ServerIdentifier> OpenServerIdentifier(FileSystem& fs, const std::string& directory,
                                              Store& system_database, AuditTrail& audit,
                                              bool may_be_new);

// The text of the `immudb-uuid` header: 20 characters of base32, alphabet 0-9a-v, no padding.
std::string ServerIdentifierText(const ServerIdentifier& identifier);

}  // namespace immudb
