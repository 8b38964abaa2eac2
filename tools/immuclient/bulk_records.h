// SPDX-License-Identifier: Apache-2.0
//
// The files of import and export.
//
// JSON lines: {"key": "k", "value": "v", "time": 1598659200}, an object a line; bytes that are no
// UTF-8 under key_base64 and value_base64 (or _hex). CSV (RFC 4180): columns key, value, time,
// encoding (empty or text, base64, hex: of key and value). In both
//   time a number     a structured value, written then
//   time null, empty  the value is these bytes alone
//   no time at all    as the command `set` would write it, or with --raw: these bytes alone
// Files that were exported have all of it, so that they can be imported without loss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "cli/byte_form.h"
#include "immudb/client.h"
#include "immudb/status.h"

namespace immudb {

enum class BulkFormat : uint8_t { kJsonLines, kCsv };

struct BulkOptions {
  BulkFormat format = BulkFormat::kJsonLines;
  ByteForm bytes = ByteForm::kText;  // of plain fields; of written ones
  bool raw = false;
  bool header = true;  // CSV: a first record with the fields key and value names the columns
};

struct BulkEntry {
  KeyValue entry;     // the value as it is to be stored
  uint64_t line = 0;  // where its record begins; the first is 1
};

// Reads records one by one; holds one of them. Not thread-safe.
class BulkReader {
 public:
  // `in` must outlive it.
  BulkReader(std::istream& in, const BulkOptions& options) : in_(in), options_(options) {}

  // None at the end. kInvalidArgument "line <n>: ..." for a malformed record; kIoError.
  // Records that begin before `first_line` are read over, whatever is in them.
  Result<std::optional<BulkEntry>> Next(uint64_t first_line);
  // Where the latest record begins.
  uint64_t line() const { return line_; }
  uint64_t bytes_read() const { return bytes_; }

 private:
  using Fields = std::vector<std::string>;
  Status Wrong(const std::string& what) const;
  bool Take(char* c);
  Result<bool> NextLine(std::string* text);
  Result<bool> NextFields(Fields* fields);
  Result<bool> TakeField(std::string* field, size_t room);
  Result<std::optional<BulkEntry>> NextCsv(uint64_t first_line);
  Result<std::optional<BulkEntry>> NextJson(uint64_t first_line);
  Status TakeHeader(const Fields& fields);
  Result<BulkEntry> FromCsv(const Fields& fields) const;
  Result<BulkEntry> FromJson(const std::string& text) const;

  std::istream& in_;
  const BulkOptions options_;
  uint64_t next_line_ = 1;
  uint64_t line_ = 0;
  uint64_t bytes_ = 0;
  bool begun_ = false;
  std::vector<std::string> columns_ = {"key", "value", "time", "encoding"};
  bool named_ = false;  // the columns are those of a header
};

// "key,value,time,encoding" and a line end, or nothing.
std::string BulkHeader(const BulkOptions& options);
// One record with its line end. `with_place` adds index and hash (JSON lines only).
std::string ToBulkRecord(const Item& item, const BulkOptions& options, bool with_place);

}  // namespace immudb
