// SPDX-License-Identifier: Apache-2.0
#include "index/table_tail.h"

#include <xxhash.h>

#include <string_view>

#include "base/bytes.h"
#include "index/table_block.h"

namespace immudb {
namespace {

// checksum type 1 | handles of metaindex and index, filled up to 40 | version 4 | magic 8
constexpr size_t kFooterBytes = 53;
constexpr size_t kHandlesBytes = 40;
constexpr size_t kVersionOffset = 41;
constexpr size_t kMagicOffset = 45;
constexpr char kChecksumXxh3 = 4;
constexpr uint32_t kFormatVersion = 5;
constexpr uint64_t kMagic = 0x88e241b785f4cff7;
// Behind each block: its type, and a checksum of both.
constexpr size_t kTrailerBytes = 5;
// Of a properties or metaindex block; ours have less than 4 KiB.
constexpr uint64_t kMostMetaBytes = uint64_t{1} << 20;

struct Handle {
  uint64_t offset = 0;
  uint64_t size = 0;
};

bool ReadVarint64(std::string_view& in, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    value |= uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

bool ReadHandle(std::string_view& in, Handle& handle) {
  return ReadVarint64(in, handle.offset) && ReadVarint64(in, handle.size);
}

// The block and its trailer lie before `end`.
bool EndsBy(const Handle& handle, uint64_t end) {
  return handle.offset <= end && handle.size <= end - handle.offset &&
         end - handle.offset - handle.size >= kTrailerBytes;
}

// RocksDB's checksum of a block and the type behind it.
uint32_t BlockChecksum(std::string_view block, char type) {
  constexpr uint32_t kTypeFactor = 0x6b9083d9;
  return static_cast<uint32_t>(XXH3_64bits(block.data(), block.size())) ^
         static_cast<uint8_t>(type) * kTypeFactor;
}

std::string Place(const char* what, const Handle& handle) {
  return std::string(what) + " offset " + std::to_string(handle.offset) + " size " +
         std::to_string(handle.size);
}

// The plain bytes of a block of metadata, which RocksDB never compresses.
std::optional<std::string> ReadMetaBlock(const Handle& handle, const ReadTable& read) {
  if (handle.size > kMostMetaBytes) return std::nullopt;
  auto block = read(handle.offset, handle.size + kTrailerBytes);
  if (!block) return std::nullopt;
  const char type = (*block)[handle.size];
  const auto checksum = LoadLE<uint32_t>(block->data() + handle.size + 1);
  block->resize(handle.size);
  if (type != kPlainBlock || checksum != BlockChecksum(*block, type)) return std::nullopt;
  return block;
}

}  // namespace

std::optional<std::string> DamageOfTableTail(uint64_t table_bytes, const ReadTable& read) {
  if (table_bytes < kFooterBytes) return "the table is shorter than its footer";
  const Handle footer_place{table_bytes - kFooterBytes, kFooterBytes};
  const auto footer = read(footer_place.offset, kFooterBytes);
  Handle metaindex;
  Handle index;
  if (!footer) return Place("cannot read the footer:", footer_place);
  std::string_view handles = std::string_view(*footer).substr(1, kHandlesBytes);
  if (LoadLE<uint64_t>(footer->data() + kMagicOffset) != kMagic ||
      LoadLE<uint32_t>(footer->data() + kVersionOffset) != kFormatVersion ||
      footer->front() != kChecksumXxh3 || !ReadHandle(handles, metaindex) ||
      !ReadHandle(handles, index) || !EndsBy(metaindex, footer_place.offset) ||
      metaindex.offset + metaindex.size + kTrailerBytes != footer_place.offset ||
      !EndsBy(index, metaindex.offset)) {
    return Place("the footer is damaged:", footer_place);
  }
  const auto names = ReadMetaBlock(metaindex, read);
  if (!names) return Place("the metaindex block does not match its checksum:", metaindex);
  std::optional<Handle> properties;
  VisitBlock(*names, kPlainBlock, [&](std::string_view name, std::string_view value) {
    if (name != "rocksdb.properties") return true;
    Handle handle;
    if (ReadHandle(value, handle) && EndsBy(handle, metaindex.offset)) properties = handle;
    return false;
  });
  if (!properties) return Place("the metaindex block names no properties:", metaindex);
  if (!ReadMetaBlock(*properties, read)) {
    return Place("the properties block does not match its checksum:", *properties);
  }
  return std::nullopt;
}

}  // namespace immudb
