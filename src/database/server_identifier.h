// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "immudb/status.h"

namespace immudb {

class FileSystem;

// Who this server is, for as long as its data lives: clients keep their trusted roots under it.
// 12 bytes in the layout of an xid: seconds since 1970 (big-endian), then random bytes.
using ServerIdentifier = std::array<uint8_t, 12>;

// The file in the directory of the default database that holds the 12 bytes.
inline constexpr char kServerIdentifierFile[] = "immudb.identifier";

// Reads the identifier in `directory`, or makes one (durably) at the first start. A file of another
// length is kDataLoss and is left alone: a new identity would make clients drop their roots.
Result<ServerIdentifier> LoadOrCreateServerIdentifier(FileSystem& fs, const std::string& directory);

// The text of the `immudb-uuid` header: 20 characters of base32, alphabet 0-9a-v, no padding.
std::string ServerIdentifierText(const ServerIdentifier& identifier);

}  // namespace immudb
