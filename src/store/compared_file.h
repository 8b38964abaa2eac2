// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "immudb/status.h"

namespace immudb {

// A derived file whose bytes are known: they are derived again, piece by piece, and compared.
class ComparedFile {
 public:
  ComparedFile(std::string path, size_t record_bytes)
      : path_(std::move(path)), record_bytes_(record_bytes) {}

  Status Open(FileSystem& fs) {
    auto file = fs.Open(path_, FileSystem::Mode::kRead);
    if (file.status().code() == StatusCode::kNotFound) return Status::Ok();
    IMMUDB_RETURN_IF_ERROR(file);
    file_ = *std::move(file);
    const auto size = file_->Size();
    IMMUDB_RETURN_IF_ERROR(size);
    records_ = *size / record_bytes_;
    return Status::Ok();
  }
  uint64_t records() const { return records_; }
  bool exists() const { return file_ != nullptr; }
  const std::string& path() const { return path_; }

  // The offset of the first record that is not as it should be, if there is one. What the file does
  // not have yet is derived at the next open.
  Result<std::optional<uint64_t>> Compare(std::string_view expected) {
    buffer_.resize(expected.size());
    const auto read = file_->ReadAt(offset_, buffer_.data(), buffer_.size());
    IMMUDB_RETURN_IF_ERROR(read);
    const size_t whole = *read - *read % record_bytes_;
    const auto [found, wanted] = std::mismatch(
        buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(whole), expected.begin());
    const auto at = static_cast<uint64_t>(found - buffer_.begin());
    const uint64_t record = offset_ + at - at % record_bytes_;
    offset_ += expected.size();
    return at == whole ? std::nullopt : std::optional(record);
  }

 private:
  const std::string path_;
  const size_t record_bytes_;
  std::unique_ptr<File> file_;
  uint64_t offset_ = 0;
  uint64_t records_ = 0;
  std::string buffer_;
};

}  // namespace immudb
