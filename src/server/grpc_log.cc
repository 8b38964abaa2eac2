// SPDX-License-Identifier: Apache-2.0
#include "server/grpc_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/line_limiter.h"
#include "base/printable.h"

namespace immudb {
namespace {

spdlog::level::level_enum LevelOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_ERROR:
      return spdlog::level::warn;
    case GPR_LOG_SEVERITY_INFO:
      return spdlog::level::info;
    default:
      return spdlog::level::debug;
  }
}

void Write(spdlog::level::level_enum level, std::string_view library, std::string_view message) {
  static LineLimiter limiter(kLibraryLinesAtOnce, std::chrono::seconds(1));
  if (!spdlog::should_log(level)) return;
  const auto admitted = limiter.Admit();
  if (!admitted) return;
  std::string text = Printable(message, kMaxLibraryLine);
  if (admitted->suppressed > 0) {
    text += " (" + std::to_string(admitted->suppressed) + " such lines were suppressed)";
  }
  if (admitted->last) text += " (further ones are suppressed)";
  spdlog::log(level, "{}: {}", library, text);
}

void LogOfGrpc(gpr_log_func_args* line) {
  // gRPC aborts behind it.
  if (std::string_view(line->message).starts_with("assertion failed")) {
    return spdlog::critical("gRPC: {}", Printable(line->message, kMaxLibraryLine));
  }
  Write(LevelOf(line->severity), "gRPC", line->message);
}

void LogOfProtobuf(google::protobuf::LogLevel level, const char* /*file*/, int /*line*/,
                   const std::string& message) {
  // The process ends behind a fatal one, so the limit must not hold it back.
  if (level == google::protobuf::LOGLEVEL_FATAL) {
    return spdlog::critical("protobuf: {}", Printable(message, kMaxLibraryLine));
  }
  const bool error = level == google::protobuf::LOGLEVEL_ERROR;
  Write(error ? spdlog::level::warn : spdlog::level::info, "protobuf", message);
}

}  // namespace

void RouteLibraryLogs() {
  gpr_set_log_function(LogOfGrpc);
  google::protobuf::SetLogHandler(LogOfProtobuf);
}

}  // namespace immudb
