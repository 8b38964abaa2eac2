// SPDX-License-Identifier: Apache-2.0
#include "server/grpc_log.h"

#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

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

void Log(gpr_log_func_args* line) {
  spdlog::log(LevelOf(line->severity), "gRPC: {}", line->message);
}

}  // namespace

void RouteGrpcLog() {
  gpr_set_log_function(Log);
}

}  // namespace immudb
