// SPDX-License-Identifier: Apache-2.0
#include "vlog/frame.h"

#include <xxhash.h>

#include <cassert>
#include <cstring>

#include "base/bytes.h"
#include "base/varint.h"

namespace immudb {
namespace {

constexpr size_t kChecksumBytes = 4;
constexpr size_t kScoreBytes = 8;
constexpr char kSegmentMagic[8] = {'I', 'M', 'M', 'U', 'L', 'O', 'G', '1'};
constexpr uint32_t kFormatVersion = 1;

uint32_t EntryChecksum(std::string_view bytes) {
  return static_cast<uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

struct EntryHeader {
  EntryKind kind = EntryKind::kValue;
  uint32_t key_bytes = 0;
  uint32_t value_bytes = 0;  // stored ones: 0 for sorted-set members
  uint32_t set_bytes = 0;
  size_t header_bytes = 0;
};

std::optional<EntryHeader> ReadEntryHeader(std::string_view bytes) {
  if (bytes.size() < kChecksumBytes + 1) return std::nullopt;
  std::string_view rest = bytes.substr(kChecksumBytes + 1);
  const auto kind = static_cast<uint8_t>(bytes[kChecksumBytes]);
  if (kind > static_cast<uint8_t>(EntryKind::kSortedSetMember)) return std::nullopt;
  EntryHeader header;
  header.kind = static_cast<EntryKind>(kind);
  const bool member = header.kind == EntryKind::kSortedSetMember;
  if (!ReadVarint(rest, header.key_bytes) ||
      !ReadVarint(rest, member ? header.set_bytes : header.value_bytes)) {
    return std::nullopt;
  }
  if (member && uint64_t{header.set_bytes} + kScoreBytes > header.key_bytes) return std::nullopt;
  header.header_bytes = bytes.size() - rest.size();
  return header;
}

}  // namespace

void AppendEntry(std::string& out, const EntryView& entry) {
  assert(entry.key.size() <= UINT32_MAX && entry.value.size() <= UINT32_MAX);
  const bool member = entry.kind == EntryKind::kSortedSetMember;
  const size_t start = out.size();
  out.append(kChecksumBytes, '\0');
  out += static_cast<char>(entry.kind);
  AppendVarint(out, static_cast<uint32_t>(entry.key.size()));
  AppendVarint(out, member ? entry.set_bytes : static_cast<uint32_t>(entry.value.size()));
  out += entry.key;
  if (!member) out += entry.value;
  const std::string_view covered = std::string_view(out).substr(start + kChecksumBytes);
  StoreLE(out.data() + start, EntryChecksum(covered));
}

std::optional<size_t> EntryBytes(std::string_view bytes) {
  const auto header = ReadEntryHeader(bytes);
  if (!header) return std::nullopt;
  return header->header_bytes + size_t{header->key_bytes} + header->value_bytes;
}

std::optional<KeyPlace> EntryKeyPlace(std::string_view bytes) {
  const auto header = ReadEntryHeader(bytes);
  if (!header) return std::nullopt;
  return KeyPlace{header->header_bytes, header->key_bytes};
}

std::optional<EntryView> DecodeEntry(std::string_view bytes) {
  const auto header = ReadEntryHeader(bytes);
  if (!header) return std::nullopt;
  const size_t size = header->header_bytes + size_t{header->key_bytes} + header->value_bytes;
  if (bytes.size() < size) return std::nullopt;
  const std::string_view covered = bytes.substr(kChecksumBytes, size - kChecksumBytes);
  if (LoadLE<uint32_t>(bytes.data()) != EntryChecksum(covered)) return std::nullopt;
  EntryView entry;
  entry.kind = header->kind;
  entry.set_bytes = header->set_bytes;
  entry.key = bytes.substr(header->header_bytes, header->key_bytes);
  entry.value = entry.kind == EntryKind::kSortedSetMember
                    ? entry.key.substr(header->set_bytes + kScoreBytes)
                    : bytes.substr(header->header_bytes + header->key_bytes, header->value_bytes);
  return entry;
}

uint64_t BodyChecksum(std::string_view body) {
  return XXH3_64bits(body.data(), body.size());
}

void EncodeFrameHeader(const FrameHeader& header, uint32_t segment, char* out) {
  StoreLE(out, kFrameMagic);
  StoreLE(out + 4, header.entry_count);
  StoreLE(out + 8, header.body_bytes);
  StoreLE(out + 12, header.unsynced_bytes);
  StoreLE(out + 16, header.first_index);
  StoreLE(out + 24, header.body_checksum);
  StoreLE(out + 32, uint64_t{XXH3_64bits_withSeed(out, 32, segment)});
}

std::optional<FrameHeader> DecodeFrameHeader(std::string_view bytes, uint32_t segment) {
  if (bytes.size() < kFrameHeaderBytes) return std::nullopt;
  const char* in = bytes.data();
  if (LoadLE<uint32_t>(in) != kFrameMagic) return std::nullopt;
  if (LoadLE<uint64_t>(in + 32) != XXH3_64bits_withSeed(in, 32, segment)) return std::nullopt;
  FrameHeader header;
  header.entry_count = LoadLE<uint32_t>(in + 4);
  header.body_bytes = LoadLE<uint32_t>(in + 8);
  header.unsynced_bytes = LoadLE<uint32_t>(in + 12);
  header.first_index = LoadLE<uint64_t>(in + 16);
  header.body_checksum = LoadLE<uint64_t>(in + 24);
  return header;
}

void EncodeSegmentHeader(const SegmentHeader& header, char* out) {
  std::memcpy(out, kSegmentMagic, sizeof(kSegmentMagic));
  StoreLE(out + 8, kFormatVersion);
  StoreLE(out + 12, header.segment);
  StoreLE(out + 16, header.first_index);
  StoreLE(out + 24, uint64_t{XXH3_64bits(out, 24)});
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return std::nullopt;
  const char* in = bytes.data();
  if (std::memcmp(in, kSegmentMagic, sizeof(kSegmentMagic)) != 0) return std::nullopt;
  if (LoadLE<uint32_t>(in + 8) != kFormatVersion) return std::nullopt;
  if (LoadLE<uint64_t>(in + 24) != XXH3_64bits(in, 24)) return std::nullopt;
  return SegmentHeader{LoadLE<uint32_t>(in + 12), LoadLE<uint64_t>(in + 16)};
}

}  // namespace immudb
