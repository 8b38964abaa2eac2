// SPDX-License-Identifier: Apache-2.0
#include "index/table_block.h"

#include <lz4.h>

#include <cstddef>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/varint.h"

namespace immudb {
namespace {

// No block of ours is larger than a record with the longest key and value that the index keeps.
constexpr uint32_t kMostPlainBytes = uint32_t{16} << 20;
constexpr uint32_t kRestartCountBits = 0x7FFFFFFF;  // the highest one has another meaning

std::optional<std::string> Decompress(std::string_view block) {
  uint32_t size = 0;
  if (!ReadVarint(block, size) || size > kMostPlainBytes) return std::nullopt;
  std::string plain(size, '\0');
  const int written = ::LZ4_decompress_safe(block.data(), plain.data(),
                                            static_cast<int>(block.size()), static_cast<int>(size));
  if (written != static_cast<int>(size)) return std::nullopt;
  return plain;
}

// What stands before the restart points; all if their number makes no sense.
std::string_view Records(std::string_view plain) {
  if (plain.size() < sizeof(uint32_t)) return plain;
  const uint32_t count =
      LoadLE<uint32_t>(plain.data() + plain.size() - sizeof(uint32_t)) & kRestartCountBits;
  const uint64_t bytes = (uint64_t{count} + 1) * sizeof(uint32_t);
  return bytes <= plain.size() ? plain.substr(0, plain.size() - bytes) : plain;
}

}  // namespace

void VisitBlock(std::string_view block, char type,
                const std::function<bool(std::string_view key, std::string_view value)>& visit) {
  std::optional<std::string> decompressed;
  if (type == kLz4Block) {
    decompressed = Decompress(block);
    if (!decompressed) return;
    block = *decompressed;
  } else if (type != kPlainBlock) {
    return;
  }
  std::string key;
  for (std::string_view rest = Records(block); !rest.empty();) {
    uint32_t shared = 0;
    uint32_t added = 0;
    uint32_t value_bytes = 0;
    if (!ReadVarint(rest, shared) || !ReadVarint(rest, added) || !ReadVarint(rest, value_bytes) ||
        shared > key.size() || uint64_t{added} + value_bytes > rest.size()) {
      return;
    }
    key.resize(shared);
    key += rest.substr(0, added);
    if (!visit(key, rest.substr(added, value_bytes))) return;
    rest.remove_prefix(size_t{added} + value_bytes);
  }
}

}  // namespace immudb
