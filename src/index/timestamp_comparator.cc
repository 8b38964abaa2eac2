// SPDX-License-Identifier: Apache-2.0
#include "index/timestamp_comparator.h"

#include <rocksdb/comparator.h>
#include <rocksdb/slice.h>

#include <cassert>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace immudb {
namespace {

using rocksdb::Slice;

Slice UserKey(const Slice& key, bool has_timestamp) {
  assert(!has_timestamp || key.size() >= kTimestampBytes);
  return {key.data(), key.size() - (has_timestamp ? kTimestampBytes : 0)};
}

class KeyThenNewestFirst final : public rocksdb::Comparator {
 public:
  KeyThenNewestFirst() : Comparator(kTimestampBytes) {}

  const char* Name() const override { return "immudb.key-then-newest-first.u64le"; }

  int Compare(const Slice& a, const Slice& b) const override {
    const Slice key_a = UserKey(a, true);
    const Slice key_b = UserKey(b, true);
    if (const int order = key_a.compare(key_b); order != 0) {
      return order;
    }
    return CompareTimestamp({key_b.data() + key_b.size(), kTimestampBytes},
                            {key_a.data() + key_a.size(), kTimestampBytes});
  }

  int CompareTimestamp(const Slice& a, const Slice& b) const override {
    assert(a.size() == kTimestampBytes && b.size() == kTimestampBytes);
    const auto time_a = LoadLE<uint64_t>(a.data());
    const auto time_b = LoadLE<uint64_t>(b.data());
    return time_a < time_b ? -1 : static_cast<int>(time_a > time_b);
  }

  using Comparator::CompareWithoutTimestamp;
  int CompareWithoutTimestamp(const Slice& a, bool a_has_timestamp, const Slice& b,
                              bool b_has_timestamp) const override {
    return UserKey(a, a_has_timestamp).compare(UserKey(b, b_has_timestamp));
  }

  bool CanKeysWithDifferentByteContentsBeEqual() const override { return false; }

  // Shorter separators would have to carry a timestamp; leaving the keys as they are is allowed.
  void FindShortestSeparator(std::string* /*start*/, const Slice& /*limit*/) const override {}
  void FindShortSuccessor(std::string* /*key*/) const override {}
};

}  // namespace

const rocksdb::Comparator* TimestampComparator() {
  static const KeyThenNewestFirst comparator;
  return &comparator;
}

}  // namespace immudb
