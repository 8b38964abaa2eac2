// SPDX-License-Identifier: Apache-2.0
#include "base/append_map.h"

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/status_macros.h"

namespace immudb {

Result<std::unique_ptr<AppendMap>> AppendMap::Open(FileSystem& fs, const std::string& path,
                                                   size_t record_bytes) {
  assert(std::has_single_bit(record_bytes));
  PrepareMappedCopies();
  auto file = fs.Open(path, FileSystem::Mode::kCreate);
  IMMUDB_RETURN_IF_ERROR(file);
  const auto size = (*file)->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  const uint64_t count = *size / record_bytes;
  std::unique_ptr<AppendMap> map(new AppendMap(*std::move(file), path, record_bytes, count));
  IMMUDB_RETURN_IF_ERROR(map->MapThrough(count * record_bytes));
  return map;
}

AppendMap::AppendMap(std::unique_ptr<File> file, std::string path, size_t record_bytes,
                     uint64_t count)
    : file_(std::move(file)), path_(std::move(path)), record_bytes_(record_bytes), count_(count) {}

AppendMap::~AppendMap() {
  for (unsigned i = 0; i < mapped_chunks_; ++i) {
    ::munmap(const_cast<char*>(chunks_[i].load()), ChunkBytes(i));
  }
}

Status AppendMap::MapThrough(uint64_t bytes) {
  // A map may reach beyond the end of the file: readers stay below the published count.
  while (ChunkBegin(mapped_chunks_) < bytes) {
    if (mapped_chunks_ == kMaxChunks) return Status::Internal(path_ + " is too large");
    void* chunk = ::mmap(nullptr, ChunkBytes(mapped_chunks_), PROT_READ, MAP_SHARED,
                         file_->descriptor(), static_cast<off_t>(ChunkBegin(mapped_chunks_)));
    if (chunk == MAP_FAILED) {
      return Status::IoError("cannot map " + path_ + ": " +
                             std::error_code(errno, std::generic_category()).message());
    }
    chunks_[mapped_chunks_].store(static_cast<const char*>(chunk), std::memory_order_release);
    ++mapped_chunks_;
  }
  return Status::Ok();
}

Status AppendMap::Append(std::string_view records) {
  assert(records.size() % record_bytes_ == 0);
  const uint64_t offset = count_ * record_bytes_;
  IMMUDB_RETURN_IF_ERROR(file_->WriteAt(offset, records));
  IMMUDB_RETURN_IF_ERROR(MapThrough(offset + records.size()));
  count_ += records.size() / record_bytes_;
  if (offset + records.size() - released_at_ >= kReleaseBytes) {
    released_at_ = offset + records.size();
    ReleasePages();
  }
  return Status::Ok();
}

// Readers that are at it merely fault their page in again.
void AppendMap::ReleasePages() {
  for (unsigned i = 0; i < mapped_chunks_; ++i) {
    ::madvise(const_cast<char*>(chunks_[i].load(std::memory_order_relaxed)), ChunkBytes(i),
              MADV_DONTNEED);
  }
}

Status AppendMap::Sync() {
  if (sync_failure_.ok()) sync_failure_ = file_->SyncData();
  return sync_failure_;
}

Status AppendMap::ReadFailure(uint64_t i) const {
  const auto size = file_->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  const uint64_t end = (i + 1) * record_bytes_;
  if (*size < end) {
    return Status::DataLoss(path_ + ": the file ends at offset " + std::to_string(*size) +
                            ", before a record that had been stored; it is derived again from the "
                            "log when the database is opened");
  }
  return Status::IoError("cannot read " + path_ + " at offset " +
                         std::to_string(end - record_bytes_));
}

Status AppendMap::Truncate(uint64_t count) {
  assert(count <= count_);
  IMMUDB_RETURN_IF_ERROR(file_->Truncate(count * record_bytes_));
  count_ = count;
  released_at_ = std::min(released_at_, count * record_bytes_);
  return Status::Ok();
}

}  // namespace immudb
