// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint.h"

#include <xxhash.h>

#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

// magic 8 | size 8 | root 32 | log_end 8 | checksum 8
constexpr char kMagic[8] = {'I', 'M', 'M', 'U', 'C', 'K', 'P', '1'};
constexpr size_t kChecksumOffset = 56;
constexpr size_t kBytes = 64;

}  // namespace

Status WriteCheckpoint(FileSystem& fs, const std::string& path, const PublishedState& state) {
  char bytes[kBytes];
  std::memcpy(bytes, kMagic, sizeof(kMagic));
  StoreLE(bytes + 8, state.size.value);
  std::memcpy(bytes + 16, state.root.data(), state.root.size());
  StoreLE(bytes + 48, state.log_end.Packed());
  StoreLE(bytes + kChecksumOffset, uint64_t{XXH3_64bits(bytes, kChecksumOffset)});
  return ReplaceFile(fs, path, {bytes, kBytes});
}

Result<std::optional<PublishedState>> ReadCheckpoint(FileSystem& fs, const std::string& path) {
  const auto exists = fs.Exists(path);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return std::optional<PublishedState>();
  const auto file = fs.Open(path, FileSystem::Mode::kRead);
  IMMUDB_RETURN_IF_ERROR(file);
  char bytes[kBytes + 1];  // one byte more than there should be
  const auto read = (*file)->ReadAt(0, bytes, sizeof(bytes));
  IMMUDB_RETURN_IF_ERROR(read);
  if (*read != kBytes || std::memcmp(bytes, kMagic, sizeof(kMagic)) != 0 ||
      LoadLE<uint64_t>(bytes + kChecksumOffset) != XXH3_64bits(bytes, kChecksumOffset)) {
    return std::optional<PublishedState>();
  }
  PublishedState state;
  state.size.value = LoadLE<uint64_t>(bytes + 8);
  std::memcpy(state.root.data(), bytes + 16, state.root.size());
  state.log_end = LogPosition::Unpack(LoadLE<uint64_t>(bytes + 48));
  return std::optional<PublishedState>(state);
}

}  // namespace immudb
