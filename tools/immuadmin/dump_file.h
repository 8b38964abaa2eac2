// SPDX-License-Identifier: Apache-2.0
//
// Dump files: records, each behind its length as u32 little-endian. See docs/format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "pb/pb.pb.h"

namespace immudb {

// Writes under another name, which becomes that of the file when it is complete. Not thread-safe.
class DumpWriter {
 public:
  static Result<std::unique_ptr<DumpWriter>> Create(const std::string& path);
  ~DumpWriter();  // what was not finished is removed
  DumpWriter(const DumpWriter&) = delete;
  DumpWriter& operator=(const DumpWriter&) = delete;

  Status Add(const DumpRecord& record);
  // Durably.
  Status Finish();
  uint64_t bytes() const { return written_ + buffer_.size(); }

 private:
  DumpWriter(std::string path, std::string part, std::unique_ptr<File> file)
      : path_(std::move(path)), part_(std::move(part)), file_(std::move(file)) {}
  Status Flush();

  const std::string path_;
  const std::string part_;
  std::unique_ptr<File> file_;
  std::string buffer_;
  uint64_t written_ = 0;
};

// Not thread-safe.
class DumpReader {
 public:
  enum class Order : uint8_t { kSequential, kRandom };
  static Result<std::unique_ptr<DumpReader>> Open(const std::string& path, Order order);

  uint64_t size() const { return size_; }
  // The record that begins at `offset`; `*next` (may be null) becomes the offset behind it.
  // kDataLoss, naming the offset: there is no whole record.
  Result<pb::KV> At(uint64_t offset, uint64_t* next);

 private:
  DumpReader(std::string path, std::unique_ptr<File> file, uint64_t size, size_t read_ahead)
      : path_(std::move(path)), file_(std::move(file)), size_(size), read_ahead_(read_ahead) {}
  Result<std::string_view> Bytes(uint64_t offset, size_t count);
  Status Broken(uint64_t offset) const;

  const std::string path_;
  const std::unique_ptr<File> file_;
  const uint64_t size_;
  const size_t read_ahead_;
  std::string buffer_;
  uint64_t buffer_offset_ = 0;
};

// What kind of entry a record with the mark 01 is: by its field `meta`, or, in a dump of the
// original (without one), a guess. A key that ends with the value behind a set's name and eight
// bytes that are a score from 1e-15 to 1e15 (or 0, or infinite), of either sign, is a member; any
// other a reference. The hash of the entry does not depend on it.
EntryKind KindOf(const pb::KV& record);

struct SetMember {
  std::string_view set;
  double score = 0;
};
// Precondition: KindOf(record) is kSortedSetMember. Points into the record.
SetMember MemberOf(const pb::KV& record);

}  // namespace immudb
