// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// The one table of our codes to those of gRPC (and so to what every client sees). Pure.
grpc::StatusCode ToGrpcCode(StatusCode code);

grpc::Status ToGrpcStatus(const Status& status);

// The codes of gRPC by number, and their names as they stand in metrics and logs: "OK", "NotFound".
constexpr size_t kGrpcCodes = 17;
std::string_view GrpcCodeName(grpc::StatusCode code);

}  // namespace immudb
