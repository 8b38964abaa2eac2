// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

// A file of records of an index.
struct IndexTable {
  enum class Family : uint8_t { kMeta, kKeys, kSets };
  std::string path;
  Family family = Family::kMeta;
  uint64_t bytes = 0;
  std::string checksum = {};  // of all its bytes, as RocksDB noted it; empty: it did not
};

// The first thing that is wrong in a table.
struct TableDamage {
  uint64_t offset = 0;             // of the block, where it is known
  std::optional<LeafIndex> index;  // of the first record that is affected, where it is known
  std::string key;                 // of that record, as it stands
  std::string what;
};

// Reads one table from the disk, past every cache: the checksum of each block, then each record.
// Not thread-safe. The table may be removed meanwhile: it is read to its end.
class TableCheck {
 public:
  // Is this the record that the log leads to? The index that its timestamp says; the bytes are
  // those of docs/format.md.
  using RecordIsRight = std::function<bool(IndexTable::Family family, std::string_view key,
                                           LeafIndex index, std::string_view record)>;

  // kNotFound: the table is gone. What else is wrong is found by Advance.
  static Result<std::unique_ptr<TableCheck>> Open(const IndexTable& table, RecordIsRight is_right);
  ~TableCheck();
  TableCheck(const TableCheck&) = delete;
  TableCheck& operator=(const TableCheck&) = delete;

  // Looks at about so many records more. True: there are more. kIoError: it cannot be read on.
  Result<bool> Advance(size_t records);
  const std::optional<TableDamage>& damage() const;

 private:
  class Impl;
  explicit TableCheck(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace immudb
