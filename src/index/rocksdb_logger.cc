// SPDX-License-Identifier: Apache-2.0
#include "index/rocksdb_logger.h"

#include <rocksdb/env.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <utility>

namespace immudb {
namespace {

class RocksDbLogger final : public rocksdb::Logger {
 public:
  explicit RocksDbLogger(std::string directory)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), directory_(std::move(directory)) {}

  using Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
  void LogHeader(const char* /*format*/, va_list /*arguments*/) override {}

  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level > rocksdb::InfoLogLevel::FATAL_LEVEL) {
      return;
    }
    char text[1024];
    std::vsnprintf(text, sizeof(text), format, arguments);
    const bool is_error = level >= rocksdb::InfoLogLevel::ERROR_LEVEL;
    spdlog::log(is_error ? spdlog::level::err : spdlog::level::debug, "index {}: {}", directory_,
                text);
  }

 private:
  const std::string directory_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> MakeRocksDbLogger(const std::string& directory) {
  return std::make_shared<RocksDbLogger>(directory);
}

}  // namespace immudb
