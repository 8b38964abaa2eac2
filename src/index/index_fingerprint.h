// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "immudb/types.h"
#include "index/index_update.h"

namespace immudb {

// A sum over the records of an index, whatever their order: so that an index can be compared with
// the log that it was derived from, each read once from its beginning to its end. Who does not know
// the seed cannot make two different indexes look the same. A value type.
class IndexFingerprint {
 public:
  explicit IndexFingerprint(uint64_t seed) : seed_(seed) {}

  // The records that this entry must have made.
  void AddEntry(const IndexUpdate& entry, size_t inline_value_bytes);
  // A record as it stands: the key without its timestamp, the index that this says, the value.
  enum class Family : uint8_t { kKeys, kSets };
  void AddRecord(Family family, std::string_view key, LeafIndex index, std::string_view record);

  // Precondition: the same seed.
  void Add(const IndexFingerprint& other);
  friend bool operator==(const IndexFingerprint&, const IndexFingerprint&) = default;

 private:
  uint64_t seed_;
  uint64_t low_ = 0;
  uint64_t high_ = 0;
  uint64_t records_ = 0;
};

}  // namespace immudb
