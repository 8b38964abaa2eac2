// SPDX-License-Identifier: Apache-2.0
#include "index/index_fingerprint.h"

#include <xxhash.h>

#include <string>

#include "base/bytes.h"
#include "index/record_format.h"

namespace immudb {

void IndexFingerprint::AddEntry(const IndexUpdate& entry, size_t inline_value_bytes) {
  std::string record;
  EncodeVersion(entry.kind, entry.value, inline_value_bytes, &record);
  AddRecord(Family::kKeys, entry.key, entry.index, record);
  if (entry.kind == EntryKind::kSortedSetMember) {
    AddRecord(Family::kSets, EncodeSetRecordKey(entry.key, entry.set_bytes), entry.index, {});
  }
}

void IndexFingerprint::AddRecord(Family family, std::string_view key, LeafIndex index,
                                 std::string_view record) {
  char fixed[3 * sizeof(uint64_t)];
  StoreLE(fixed, static_cast<uint64_t>(family));
  StoreLE(fixed + sizeof(uint64_t), index.value);
  StoreLE(fixed + 2 * sizeof(uint64_t), static_cast<uint64_t>(key.size()));
  std::string bytes;
  bytes.reserve(sizeof(fixed) + key.size() + record.size());
  bytes.append(fixed, sizeof(fixed)).append(key).append(record);
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed_);
  low_ += hash.low64;
  high_ += hash.high64;
  ++records_;
}

void IndexFingerprint::Add(const IndexFingerprint& other) {
  low_ += other.low_;
  high_ += other.high_;
  records_ += other.records_;
}

}  // namespace immudb
