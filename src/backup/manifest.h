// SPDX-License-Identifier: Apache-2.0
//
// The table of contents of a backup. docs/format.md has the grammar. All functions are pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backup/log_reader.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

inline constexpr char kManifestFile[] = "manifest.json";
// More is refused before it is read.
inline constexpr size_t kMaxManifestBytes = size_t{64} << 20;

// A file of a backup: a piece of a log segment, or the identity of the server.
struct BackupFile {
  std::string name;  // in the backup, with '/'
  uint64_t bytes = 0;
  std::string sha256;  // 64 lower-case hex digits
  bool is_identity = false;
  uint32_t segment = 0;  // the piece begins at `offset` of this segment
  uint64_t offset = 0;

  friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

// The entries [base.size, state.size) of a database.
struct BackupDatabase {
  std::string name;
  TreeSize base;  // 0: nothing is needed before it
  Digest base_root{};
  LogState state;  // at its end
  std::vector<BackupFile> files;

  friend bool operator==(const BackupDatabase&, const BackupDatabase&) = default;
};

struct Manifest {
  std::string created;  // "2026-01-31T12:00:00Z"
  std::vector<BackupDatabase> databases;

  const BackupDatabase* Find(std::string_view name) const;
  uint64_t TotalBytes() const;  // of the files
  // No database needs another backup before it.
  bool IsComplete() const;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// "<database>/log/00000000.log", with ".<offset>" for a piece that does not begin the segment.
std::string PieceName(std::string_view database, uint32_t segment, uint64_t offset);
std::string IdentityName(std::string_view database);

// The one text of a manifest: what differs from it in a single byte is not accepted.
std::string ManifestText(const Manifest& manifest);
// kDataLoss: not what ManifestText gives, or its parts contradict each other. kInvalidArgument: of
// a later version.
Result<Manifest> ParseManifest(std::string_view text);

}  // namespace immudb
