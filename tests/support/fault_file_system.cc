// SPDX-License-Identifier: Apache-2.0
#include "support/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/status_macros.h"

namespace immudb::testing {
namespace {

constexpr uint64_t kSectorBytes = 512;

Status PowerIsOff(const std::string& path) {
  return Status::IoError("cannot change " + path + ": the power is off");
}

bool Concerns(const std::string& path, const std::string& part) {
  return path.find(part) != std::string::npos;
}

}  // namespace

class FaultFileSystem::FaultFile final : public File {
 public:
  FaultFile(FaultFileSystem& fs, std::string path, std::unique_ptr<File> real,
            std::shared_ptr<FileState> state)
      : fs_(fs), path_(std::move(path)), real_(std::move(real)), state_(std::move(state)) {}
  ~FaultFile() override {
    const std::lock_guard lock(fs_.mutex_);
    state_.reset();
  }

  Status WriteAt(uint64_t offset, std::string_view data) override {
    const std::lock_guard lock(fs_.mutex_);
    return fs_.ApplyWrite(*real_, *state_, path_, offset, data);
  }
  Result<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) const override {
    {
      const std::lock_guard lock(fs_.mutex_);
      if (fs_.failing_reads_ > 0 && Concerns(path_, fs_.failing_reads_part_)) {
        --fs_.failing_reads_;
        return Status::IoError("cannot read " + path_ + ": input/output error");
      }
    }
    return real_->ReadAt(offset, buffer, size);
  }
  Result<size_t> ReadCached(uint64_t offset, char* buffer, size_t size) const override {
    {
      const std::lock_guard lock(fs_.mutex_);
      if (fs_.cold_ && Concerns(path_, fs_.cold_part_)) return Status::Unavailable("not in memory");
    }
    return ReadAt(offset, buffer, size);
  }
  Status SyncData() override {
    std::unique_lock lock(fs_.mutex_);
    if (fs_.blocking_syncs_ && Concerns(path_, fs_.blocking_part_)) {
      ++fs_.blocked_syncs_;
      fs_.wake_.notify_all();
      fs_.wake_.wait(lock, [this] { return !fs_.blocking_syncs_; });
      --fs_.blocked_syncs_;
    }
    return fs_.ApplySync(*state_, path_);
  }
  Status Truncate(uint64_t size) override {
    const std::lock_guard lock(fs_.mutex_);
    return fs_.ApplyTruncate(*real_, *state_, path_, size);
  }
  Result<uint64_t> Size() const override { return real_->Size(); }
  int descriptor() const override { return real_->descriptor(); }

 private:
  FaultFileSystem& fs_;
  const std::string path_;
  const std::unique_ptr<File> real_;
  std::shared_ptr<FileState> state_;
};

void FaultFileSystem::LimitFreeBytes(uint64_t bytes, std::string_view path_part) {
  const std::lock_guard lock(mutex_);
  limited_ = true;
  free_bytes_ = bytes;
  limited_part_ = path_part;
}

void FaultFileSystem::LiftLimit() {
  const std::lock_guard lock(mutex_);
  limited_ = false;
}

void FaultFileSystem::FailSyncs(uint64_t count, std::string_view path_part) {
  const std::lock_guard lock(mutex_);
  failing_syncs_ = count;
  failing_part_ = path_part;
}

void FaultFileSystem::FailReads(uint64_t count, std::string_view path_part) {
  const std::lock_guard lock(mutex_);
  failing_reads_ = count;
  failing_reads_part_ = path_part;
}

void FaultFileSystem::DropCache(std::string_view path_part) {
  const std::lock_guard lock(mutex_);
  cold_ = true;
  cold_part_ = path_part;
}

void FaultFileSystem::BlockSyncs(std::string_view path_part) {
  const std::lock_guard lock(mutex_);
  blocking_syncs_ = true;
  blocking_part_ = path_part;
}

void FaultFileSystem::ReleaseSyncs() {
  const std::lock_guard lock(mutex_);
  blocking_syncs_ = false;
  wake_.notify_all();
}

bool FaultFileSystem::WaitForBlockedSync(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, deadline, [this] { return blocked_syncs_ > 0; });
}

void FaultFileSystem::Freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
}

void FaultFileSystem::FreezeAfter(uint64_t operations, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  operations_left_ = operations;
  random_.seed(seed);
}

bool FaultFileSystem::frozen() const {
  const std::lock_guard lock(mutex_);
  return frozen_;
}

FaultFileSystem::Power FaultFileSystem::Tick() {
  if (frozen_) return Power::kOff;
  if (operations_left_ == 0 || --operations_left_ > 0) return Power::kOn;
  frozen_ = true;
  return Power::kFailing;
}

Status FaultFileSystem::CheckPower(const std::string& path) const {
  return frozen_ ? PowerIsOff(path) : Status::Ok();
}

Status FaultFileSystem::ApplyWrite(File& file, FileState& state, const std::string& path,
                                   uint64_t offset, std::string_view data) {
  const Power power = Tick();
  if (power == Power::kOff) return PowerIsOff(path);
  const auto size = file.Size();
  IMMUDB_RETURN_IF_ERROR(size);
  bool is_short = false;
  if (limited_ && Concerns(path, limited_part_)) {
    const uint64_t room = *size + free_bytes_;
    const uint64_t allowed = room > offset ? room - offset : 0;
    is_short = data.size() > allowed;
    data = data.substr(0, static_cast<size_t>(allowed));
    free_bytes_ -= std::max(offset + data.size(), *size) - *size;
  }
  if (!data.empty()) {
    Change change{*size,
                  std::max<uint64_t>(*size, offset + data.size()),
                  offset,
                  std::string(data.size(), '\0'),
                  std::string(data),
                  false};
    const auto read = file.ReadAt(offset, change.old_bytes.data(), change.old_bytes.size());
    IMMUDB_RETURN_IF_ERROR(read);
    change.old_bytes.resize(*read);
    IMMUDB_RETURN_IF_ERROR(file.WriteAt(offset, data));
    state.unsynced.push_back(std::move(change));
  }
  if (power == Power::kFailing) return PowerIsOff(path);
  return is_short ? Status::ResourceExhausted("cannot write " + path + ": no space left on device")
                  : Status::Ok();
}

Status FaultFileSystem::ApplyTruncate(File& file, FileState& state, const std::string& path,
                                      uint64_t size) {
  const Power power = Tick();
  if (power == Power::kOff) return PowerIsOff(path);
  const auto old_size = file.Size();
  IMMUDB_RETURN_IF_ERROR(old_size);
  if (*old_size != size) {
    Change change{*old_size, size, size, {}, {}, true};
    if (*old_size > size) {
      change.old_bytes.resize(*old_size - size);
      const auto read = file.ReadAt(size, change.old_bytes.data(), change.old_bytes.size());
      IMMUDB_RETURN_IF_ERROR(read);
      if (limited_ && Concerns(path, limited_part_)) free_bytes_ += *old_size - size;
    }
    IMMUDB_RETURN_IF_ERROR(file.Truncate(size));
    state.unsynced.push_back(std::move(change));
  }
  return power == Power::kFailing ? PowerIsOff(path) : Status::Ok();
}

// A sync succeeded: of what was lost before, only what was written over or cut off is safe.
void FaultFileSystem::Store(FileState& state) {
  std::vector<Change> lost(
      std::make_move_iterator(state.unsynced.begin()),
      std::make_move_iterator(state.unsynced.begin() + static_cast<ptrdiff_t>(state.lost)));
  for (size_t i = state.lost; i < state.unsynced.size(); ++i) {
    const Change& stored = state.unsynced[i];
    std::erase_if(lost, [&stored](const Change& change) {
      if (change.is_truncation) return false;
      if (stored.is_truncation) return change.offset >= stored.new_size;
      return change.offset >= stored.offset &&
             change.offset + change.new_bytes.size() <= stored.offset + stored.new_bytes.size();
    });
  }
  state.unsynced = std::move(lost);
  state.lost = state.unsynced.size();
}

Status FaultFileSystem::ApplySync(FileState& state, const std::string& path) {
  const Power power = Tick();
  if (power == Power::kOff) return PowerIsOff(path);
  if (failing_syncs_ > 0 && Concerns(path, failing_part_)) {
    --failing_syncs_;
    state.lost = state.unsynced.size();
    return Status::IoError("cannot sync " + path + ": input/output error");
  }
  // In its last moment the disk may have finished the sync that nobody heard of any more.
  const bool reached = power == Power::kOn || random_() % 2 == 0;
  if (reached) Store(state);
  return power == Power::kOn ? Status::Ok() : PowerIsOff(path);
}

Status FaultFileSystem::PowerLoss(Loss loss, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  for (const auto& [path, state] : files_) {
    if (state.use_count() > 1) return Status::FailedPrecondition(path + " is still open");
  }
  for (const auto& [path, state] : files_) {
    if (!state->unsynced.empty()) IMMUDB_RETURN_IF_ERROR(LosePower(path, *state, loss, random));
  }
  files_.clear();
  IMMUDB_RETURN_IF_ERROR(LoseNames(loss, random));
  frozen_ = false;
  operations_left_ = 0;
  limited_ = false;
  failing_syncs_ = 0;
  return Status::Ok();
}

Status FaultFileSystem::LosePower(const std::string& path, const FileState& state, Loss loss,
                                  std::mt19937_64& random) {
  const auto file = real_.Open(path, Mode::kReadWrite);
  if (file.status().code() == StatusCode::kNotFound) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(file);
  for (auto change = state.unsynced.rbegin(); change != state.unsynced.rend(); ++change) {
    IMMUDB_RETURN_IF_ERROR((*file)->Truncate(change->old_size));
    IMMUDB_RETURN_IF_ERROR((*file)->WriteAt(change->offset, change->old_bytes));
  }
  if (loss == Loss::kAllUnsynced) return Status::Ok();
  // Most of it, some of it or nearly nothing.
  const uint64_t kept_percent = 5 + random() % 95;
  for (const Change& change : state.unsynced) {
    if (change.is_truncation) {
      if (random() % 100 < kept_percent) {
        IMMUDB_RETURN_IF_ERROR((*file)->Truncate(change.new_size));
      }
      continue;
    }
    const std::string_view bytes = change.new_bytes;
    for (uint64_t at = 0; at < bytes.size();) {
      const uint64_t offset = change.offset + at;
      const uint64_t n = std::min(kSectorBytes - offset % kSectorBytes, bytes.size() - at);
      if (random() % 100 < kept_percent) {
        IMMUDB_RETURN_IF_ERROR((*file)->WriteAt(offset, bytes.substr(at, n)));
      }
      at += n;
    }
  }
  return Status::Ok();
}

Result<std::optional<std::string>> FaultFileSystem::ContentOf(const std::string& path) {
  const auto exists = real_.Exists(path);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return std::optional<std::string>();
  auto content = ReadFile(real_, path);
  IMMUDB_RETURN_IF_ERROR(content);
  return std::optional(*std::move(content));
}

// File systems keep the order of such changes: the last ones are lost.
Status FaultFileSystem::LoseNames(Loss loss, std::mt19937_64& random) {
  const size_t kept = loss == Loss::kAllUnsynced ? 0 : random() % (unsynced_names_.size() + 1);
  while (unsynced_names_.size() > kept) {
    const NameChange change = std::move(unsynced_names_.back());
    unsynced_names_.pop_back();
    if (!change.from.empty()) {
      const auto moved = real_.Rename(change.path, change.from);
      if (!moved.ok() && moved.code() != StatusCode::kNotFound) return moved;
    }
    if (!change.content) {
      IMMUDB_RETURN_IF_ERROR(real_.RemoveTree(change.path));
    } else {
      IMMUDB_RETURN_IF_ERROR(ReplaceFile(real_, change.path, *change.content));
    }
  }
  unsynced_names_.clear();
  return Status::Ok();
}

Result<std::unique_ptr<File>> FaultFileSystem::Open(const std::string& path, Mode mode) {
  const std::lock_guard lock(mutex_);
  if (mode == Mode::kCreate) {
    const auto exists = real_.Exists(path);
    IMMUDB_RETURN_IF_ERROR(exists);
    if (!*exists && frozen_) return PowerIsOff(path);
    if (!*exists) unsynced_names_.push_back({path, {}, {}});
  }
  auto file = real_.Open(path, mode);
  IMMUDB_RETURN_IF_ERROR(file);
  auto& state = files_[path];
  if (!state) state = std::make_shared<FileState>();
  return std::unique_ptr<File>(std::make_unique<FaultFile>(*this, path, *std::move(file), state));
}

Status FaultFileSystem::CreateDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  IMMUDB_RETURN_IF_ERROR(CheckPower(path));
  const auto exists = real_.Exists(path);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) unsynced_names_.push_back({path, {}, {}});
  return real_.CreateDirectory(path);
}

Result<std::vector<std::string>> FaultFileSystem::List(const std::string& path) {
  return real_.List(path);
}

Result<bool> FaultFileSystem::Exists(const std::string& path) {
  return real_.Exists(path);
}

Status FaultFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  IMMUDB_RETURN_IF_ERROR(CheckPower(path));
  auto content = ContentOf(path);
  IMMUDB_RETURN_IF_ERROR(content);
  if (*content) unsynced_names_.push_back({path, {}, *std::move(content)});
  IMMUDB_RETURN_IF_ERROR(real_.Remove(path));
  files_.erase(path);
  return Status::Ok();
}

Status FaultFileSystem::RemoveTree(const std::string& path) {
  const std::lock_guard lock(mutex_);
  IMMUDB_RETURN_IF_ERROR(CheckPower(path));
  std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(path + "/"); });
  return real_.RemoveTree(path);
}

Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  IMMUDB_RETURN_IF_ERROR(CheckPower(from));
  auto content = ContentOf(to);
  IMMUDB_RETURN_IF_ERROR(content);
  IMMUDB_RETURN_IF_ERROR(real_.Rename(from, to));
  unsynced_names_.push_back({to, from, *std::move(content)});
  auto state = files_.extract(from);
  files_.erase(to);
  if (!state.empty()) {
    state.key() = to;
    files_.insert(std::move(state));
  }
  return Status::Ok();
}

Status FaultFileSystem::SyncDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  IMMUDB_RETURN_IF_ERROR(CheckPower(path));
  std::error_code error;
  const auto folder = std::filesystem::weakly_canonical(path, error);
  std::erase_if(unsynced_names_, [&](const NameChange& change) {
    return std::filesystem::weakly_canonical(change.path, error).parent_path() == folder;
  });
  return Status::Ok();
}

Result<uint64_t> FaultFileSystem::FreeBytes(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (limited_ && Concerns(path, limited_part_)) return free_bytes_;
  return real_.FreeBytes(path);
}

Result<std::unique_ptr<FileLock>> FaultFileSystem::Lock(const std::string& path) {
  return real_.Lock(path);
}

}  // namespace immudb::testing
