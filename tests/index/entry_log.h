// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "index/key_index.h"

namespace immudb::testing {

inline std::string MemberKey(std::string_view set, double score, std::string_view member) {
  char bytes[8];
  StoreBE64(bytes, std::bit_cast<uint64_t>(score));
  return std::string(set).append(bytes, sizeof(bytes)).append(member);
}

// One line of an answer.
struct Row {
  std::string key;
  uint64_t index = 0;
  EntryKind kind = EntryKind::kValue;
  std::optional<std::string> value;  // nothing: not inline

  friend bool operator==(const Row&, const Row&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Row& row) {
    return out << ToHex(row.key) << "@" << row.index << "/" << static_cast<int>(row.kind) << "="
               << (row.value ? ToHex(*row.value) : "-");
  }
};
using Rows = std::vector<Row>;

inline std::vector<std::string> Keys(const Rows& rows) {
  std::vector<std::string> keys;
  for (const Row& row : rows) {
    keys.push_back(row.key);
  }
  return keys;
}

inline Row MakeRow(std::string_view key, const Version& version) {
  return {std::string(key), version.index.value, version.kind,
          version.value_is_inline ? std::optional(version.value) : std::nullopt};
}

// Stands for the value log: what an index is filled from, and a plain model of its answers.
class EntryLog {
 public:
  explicit EntryLog(size_t inline_value_bytes = KeyIndexOptions().inline_value_bytes)
      : inline_value_bytes_(inline_value_bytes) {}

  void Value(std::string key, std::string value) {
    entries_.push_back({EntryKind::kValue, std::move(key), std::move(value), 0});
  }
  void Reference(std::string name, std::string key) {
    entries_.push_back({EntryKind::kReference, std::move(name), std::move(key), 0});
  }
  void Member(std::string_view set, double score, std::string_view member) {
    entries_.push_back({EntryKind::kSortedSetMember, MemberKey(set, score, member),
                        std::string(member), static_cast<uint32_t>(set.size())});
  }

  TreeSize size() const { return {entries_.size()}; }

  // Applies entries [first, through) as one group.
  Status ApplyTo(KeyIndex& index, uint64_t first, uint64_t through) const {
    std::vector<IndexUpdate> group;
    for (uint64_t i = first; i < through; ++i) {
      const Entry& e = entries_[i];
      group.push_back({{i}, e.kind, e.key, e.value, e.set_bytes});
    }
    return index.Apply(group, {through});
  }
  // All that the index does not have yet, in groups.
  void CatchUp(KeyIndex& index, uint64_t group_size = 100) const {
    for (uint64_t i = index.applied().value; i < entries_.size(); i += group_size) {
      const Status status = ApplyTo(index, i, std::min<uint64_t>(i + group_size, entries_.size()));
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
  }

  std::optional<Row> Latest(std::string_view key, TreeSize at) const {
    const Rows rows = History(key, at);
    return rows.empty() ? std::nullopt : std::optional(rows.front());
  }

  Rows History(std::string_view key, TreeSize at) const {
    Rows rows;
    for (uint64_t i = at.value; i-- > 0;) {
      if (entries_[i].key == key) {
        rows.push_back(RowOf(i));
      }
    }
    return rows;
  }

  Rows List(const KeyIndex::ListOptions& options, TreeSize at) const {
    std::map<std::string, Row> latest;
    for (uint64_t i = 0; i < at.value; ++i) {
      if (entries_[i].key.starts_with(options.prefix)) {
        latest[entries_[i].key] = RowOf(i);
      }
    }
    Rows rows;
    for (const auto& [key, row] : latest) {
      if (options.after.empty() || (options.reverse ? key < options.after : key > options.after)) {
        rows.push_back(row);
      }
    }
    return Directed(std::move(rows), options.reverse);
  }

  Rows ListVersions(const std::optional<VersionMark>& after, TreeSize at) const {
    std::map<std::pair<std::string, uint64_t>, Row> by_place;  // key, then the newest first
    for (uint64_t i = 0; i < at.value; ++i) {
      by_place[{entries_[i].key, ~i}] = RowOf(i);
    }
    Rows rows;
    for (const auto& [place, row] : by_place) {
      if (!after || place > std::pair(after->key, ~after->index.value)) {
        rows.push_back(row);
      }
    }
    return rows;
  }

  Rows ListSet(const KeyIndex::SetListOptions& options, TreeSize at) const {
    using Place = std::tuple<double, std::string, bool>;
    const size_t set_bytes = options.set.size();
    const auto place_of = [set_bytes](std::string_view key) -> Place {
      const double score = std::bit_cast<double>(LoadBE64(key.data() + set_bytes));
      return {score, std::string(key.substr(set_bytes + 8)), std::signbit(score)};
    };
    std::map<Place, Row> latest;
    for (uint64_t i = 0; i < at.value; ++i) {
      const Entry& e = entries_[i];
      if (e.set_bytes > 0 && std::string_view(e.key).substr(0, e.set_bytes) == options.set) {
        latest[place_of(e.key)] = {e.key, i, e.kind, e.value};
      }
    }
    Rows rows;
    for (const auto& [place, row] : latest) {
      if (options.after.empty() ||
          (options.reverse ? place < place_of(options.after) : place > place_of(options.after))) {
        rows.push_back(row);
      }
    }
    return Directed(std::move(rows), options.reverse);
  }

  const std::string& key(uint64_t i) const { return entries_[i].key; }

 private:
  struct Entry {
    EntryKind kind;
    std::string key;
    std::string value;
    uint32_t set_bytes;
  };

  Row RowOf(uint64_t i) const {
    const Entry& e = entries_[i];
    const bool is_inline = e.value.size() <= inline_value_bytes_;
    return {e.key, i, e.kind, is_inline ? std::optional(e.value) : std::nullopt};
  }
  static Rows Directed(Rows rows, bool reverse) {
    if (reverse) {
      std::reverse(rows.begin(), rows.end());
    }
    return rows;
  }

  size_t inline_value_bytes_;
  std::vector<Entry> entries_;
};

inline std::unique_ptr<KeyIndex> OpenIndex(const std::string& directory,
                                           const KeyIndexOptions& options = {}) {
  Result<std::unique_ptr<KeyIndex>> index = KeyIndex::Open(directory, options);
  EXPECT_TRUE(index.ok()) << index.status().ToString();
  return index.ok() ? std::move(index).value() : nullptr;
}

// The answers of the index in the same form.
inline std::optional<Row> Latest(const KeyIndex& index, std::string_view key, TreeSize at) {
  const Result<Version> version = index.Get(key, at);
  if (!version.ok()) {
    EXPECT_EQ(version.status(), Status::NotFound("Key not found"));
    return std::nullopt;
  }
  return MakeRow(key, *version);
}

template <typename Listing>
Rows Collect(const Listing& listing) {
  Rows rows;
  const Status status = listing([&rows](std::string_view key, const Version& version) {
    rows.push_back(MakeRow(key, version));
    return true;
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  return rows;
}
inline Rows History(const KeyIndex& index, std::string_view key, TreeSize at) {
  return Collect([&](const auto& visit) { return index.History(key, at, visit); });
}
inline Rows List(const KeyIndex& index, const KeyIndex::ListOptions& options, TreeSize at) {
  return Collect([&](const auto& visit) { return index.List(options, at, visit); });
}
inline Rows ListVersions(const KeyIndex& index, const std::optional<VersionMark>& after,
                         TreeSize at) {
  return Collect([&](const auto& visit) { return index.ListVersions(after, at, visit); });
}
inline Rows ListSet(const KeyIndex& index, const KeyIndex::SetListOptions& options, TreeSize at) {
  return Collect([&](const auto& visit) { return index.ListSet(options, at, visit); });
}

}  // namespace immudb::testing
