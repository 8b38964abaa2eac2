// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/status_macros.h"

namespace immudb::testing {

// The real file system, but for opening files whose path contains `path_part`: that waits, or
// fails. Thread-safe.
class GateFileSystem final : public FileSystem {
 public:
  explicit GateFileSystem(std::string path_part) : path_part_(std::move(path_part)) {}

  // From now on opening waits until OpenGate().
  void CloseGate() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_ = 0;
  }
  void OpenGate() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }
  // False if nobody came to the closed gate within half a minute.
  bool WaitForArrival() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [this] { return arrived_ > 0; });
  }
  // From now on opening fails so; ok: it does not.
  void FailWith(const Status& failure) {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
  }

  Result<std::unique_ptr<File>> Open(const std::string& path, Mode mode) override {
    IMMUDB_RETURN_IF_ERROR(Pass(path));
    return real_.Open(path, mode);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    IMMUDB_RETURN_IF_ERROR(Pass(path));
    return real_.Lock(path);
  }
  Status CreateDirectory(const std::string& path) override { return real_.CreateDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return real_.List(path);
  }
  Result<bool> Exists(const std::string& path) override { return real_.Exists(path); }
  Status Remove(const std::string& path) override { return real_.Remove(path); }
  Status RemoveTree(const std::string& path) override { return real_.RemoveTree(path); }
  Status Rename(const std::string& from, const std::string& to) override {
    return real_.Rename(from, to);
  }
  Status SyncDirectory(const std::string& path) override { return real_.SyncDirectory(path); }
  Result<uint64_t> FreeBytes(const std::string& path) override { return real_.FreeBytes(path); }

 private:
  Status Pass(const std::string& path) {
    if (path.find(path_part_) == std::string::npos) return Status::Ok();
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
    return failure_;
  }

  FileSystem& real_ = FileSystem::Real();
  const std::string path_part_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool closed_ = false;
  int arrived_ = 0;
  Status failure_;
};

}  // namespace immudb::testing
