// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/dump_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr size_t kSmallReadBytes = 4096;
constexpr size_t kLengthBytes = 4;
constexpr size_t kScoreBytes = 8;
constexpr char kReferenceKind = '\x01';
constexpr char kMemberKind = '\x02';

uint32_t LengthOf(std::string_view bytes) {
  uint32_t length = 0;
  for (size_t i = kLengthBytes; i > 0; --i) {
    length = length << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  return length;
}

bool EndsLikeMember(const pb::KV& record) {
  return record.key().size() > record.value().size() + kScoreBytes &&
         record.key().ends_with(record.value());
}

double ScoreOf(const pb::KV& record) {
  const size_t at = record.key().size() - record.value().size() - kScoreBytes;
  return std::bit_cast<double>(LoadBE64(record.key().data() + at));
}

}  // namespace

Result<std::unique_ptr<DumpWriter>> DumpWriter::Create(const std::string& path) {
  const std::string part = path + ".part";
  FileSystem& fs = FileSystem::Real();
  IMMUDB_RETURN_IF_ERROR(fs.Remove(part));
  auto file = fs.Open(part, FileSystem::Mode::kCreate);
  IMMUDB_RETURN_IF_ERROR(file);
  ::fchmod((*file)->descriptor(), S_IRUSR | S_IWUSR);  // it holds all values
  return std::unique_ptr<DumpWriter>(new DumpWriter(path, part, *std::move(file)));
}

DumpWriter::~DumpWriter() {
  if (file_ != nullptr) static_cast<void>(FileSystem::Real().Remove(part_));
}

Status DumpWriter::Add(const DumpRecord& record) {
  const auto length = static_cast<uint32_t>(record.serialised.size());
  for (size_t i = 0; i < kLengthBytes; ++i) buffer_ += static_cast<char>(length >> (8 * i));
  buffer_ += record.serialised;
  return buffer_.size() < kBufferBytes ? Status::Ok() : Flush();
}

Status DumpWriter::Flush() {
  IMMUDB_RETURN_IF_ERROR(file_->WriteAt(written_, buffer_));
  written_ += buffer_.size();
  buffer_.clear();
  return Status::Ok();
}

Status DumpWriter::Finish() {
  FileSystem& fs = FileSystem::Real();
  IMMUDB_RETURN_IF_ERROR(Flush());
  IMMUDB_RETURN_IF_ERROR(file_->SyncData());
  IMMUDB_RETURN_IF_ERROR(fs.Rename(part_, path_));
  file_.reset();
  const std::string parent = std::filesystem::path(path_).parent_path().string();
  return fs.SyncDirectory(parent.empty() ? "." : parent);
}

Result<std::unique_ptr<DumpReader>> DumpReader::Open(const std::string& path, Order order) {
  auto file = FileSystem::Real().Open(path, FileSystem::Mode::kRead);
  IMMUDB_RETURN_IF_ERROR(file);
  const auto size = (*file)->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  const size_t ahead = order == Order::kSequential ? kBufferBytes : kSmallReadBytes;
  return std::unique_ptr<DumpReader>(new DumpReader(path, *std::move(file), *size, ahead));
}

Status DumpReader::Broken(uint64_t offset) const {
  return {StatusCode::kDataLoss, "file " + path_ + ", offset " + std::to_string(offset) +
                                     ": this is no whole record of a dump"};
}

// At least `count` bytes from `offset` on.
Result<std::string_view> DumpReader::Bytes(uint64_t offset, size_t count) {
  const uint64_t end = buffer_offset_ + buffer_.size();
  if (offset < buffer_offset_ || offset + count > end) {
    buffer_.resize(
        static_cast<size_t>(std::min<uint64_t>(std::max(count, read_ahead_), size_ - offset)));
    buffer_offset_ = offset;
    const auto read = file_->ReadAt(offset, buffer_.data(), buffer_.size());
    IMMUDB_RETURN_IF_ERROR(read);
    buffer_.resize(*read);
    if (buffer_.size() < count) return Broken(offset);
  }
  return std::string_view(buffer_).substr(static_cast<size_t>(offset - buffer_offset_), count);
}

Result<pb::KV> DumpReader::At(uint64_t offset, uint64_t* next) {
  if (offset > size_ || size_ - offset < kLengthBytes) return Broken(offset);
  const auto head = Bytes(offset, kLengthBytes);
  IMMUDB_RETURN_IF_ERROR(head);
  const uint32_t length = LengthOf(*head);
  if (size_ - offset - kLengthBytes < length) return Broken(offset);
  const auto bytes = Bytes(offset + kLengthBytes, length);
  IMMUDB_RETURN_IF_ERROR(bytes);
  pb::KV record;
  if (!record.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
    return Broken(offset);
  }
  if (next != nullptr) *next = offset + kLengthBytes + length;
  return record;
}

EntryKind KindOf(const pb::KV& record) {
  if (record.user_meta() == std::string_view("\0", 1)) return EntryKind::kValue;
  if (!EndsLikeMember(record)) return EntryKind::kReference;
  if (record.meta().starts_with(kMemberKind)) return EntryKind::kSortedSetMember;
  if (record.meta().starts_with(kReferenceKind)) return EntryKind::kReference;
  constexpr double kLeast = 1e-15;
  constexpr double kMost = 1e15;
  const double score = std::fabs(ScoreOf(record));
  const bool likely = score == 0 || std::isinf(score) || (score >= kLeast && score <= kMost);
  return likely ? EntryKind::kSortedSetMember : EntryKind::kReference;
}

SetMember MemberOf(const pb::KV& record) {
  const size_t length = record.key().size() - record.value().size() - kScoreBytes;
  return {std::string_view(record.key()).substr(0, length), ScoreOf(record)};
}

}  // namespace immudb
