// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>
#include <utility>

#include "immudb/status.h"

namespace immudb {

// Appends the log to a file that can be opened anew. Thread-safe. Not buffered.
class LogFileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // `take_standard_streams`: stdout and stderr become the same file.
  LogFileSink(std::string path, bool take_standard_streams)
      : path_(std::move(path)), take_standard_streams_(take_standard_streams) {}
  ~LogFileSink() override;
  LogFileSink(const LogFileSink&) = delete;
  LogFileSink& operator=(const LogFileSink&) = delete;

  // To be called before the first line. kIoError: a file that was open stays in use.
  Status Open();

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  const std::string path_;
  const bool take_standard_streams_;
  int fd_ = -1;  // guarded by mutex_ of the base
};

}  // namespace immudb
