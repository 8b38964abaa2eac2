// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/sinks/sink.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "immudb/status.h"

namespace immudb {

// Writes the log to standard error or to a file that can be opened again. The thread that logs a
// line formats it; a thread of the sink writes it, so that no thread of the server waits for a disk
// or for the reader of a pipe:
//
//     log() -> queue (at most kMaxQueuedBytes) -> writer thread -> descriptor
//
// A line that finds the queue full, or that cannot be written, is dropped and counted; the next
// line that can be written is preceded by one with the count. Thread-safe.
class QueuedLogSink final : public spdlog::sinks::sink {
 public:
  static constexpr size_t kMaxQueuedBytes = size_t{4} << 20;
  // How long flush() and the destructor wait for a descriptor that takes nothing.
  static constexpr std::chrono::seconds kPatience{1};

  // An empty path: standard error. `take_standard_streams`: stdout and stderr become the file too.
  QueuedLogSink(std::string path, bool take_standard_streams);
  ~QueuedLogSink() override;
  QueuedLogSink(const QueuedLogSink&) = delete;
  QueuedLogSink& operator=(const QueuedLogSink&) = delete;

  // To be called before the first line; again when the file was renamed. kIoError: the file that
  // was open stays in use. Nothing for standard error.
  Status Open();

  void log(const spdlog::details::log_msg& message) override;
  // Waits until the lines before it are written, at most kPatience.
  void flush() override;
  void set_pattern(const std::string& pattern) override;
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override;

 private:
  void WriteQueued();
  bool Write(const std::string& lines);
  bool GivenUp();
  void CountDropped(const std::string& lines);
  std::string DroppedLine();

  const std::string path_;
  const bool take_standard_streams_;

  std::mutex file_mutex_;  // held over a write, and alone
  int fd_ = -1;            // guarded by file_mutex_

  std::mutex mutex_;
  std::condition_variable queued_changed_;
  std::condition_variable written_changed_;
  // Guarded by mutex_.
  std::unique_ptr<spdlog::formatter> formatter_;
  std::string queued_;  // whole lines
  uint64_t dropped_ = 0;
  bool writing_ = false;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point give_up_at_;

  std::thread writer_;
};

}  // namespace immudb
