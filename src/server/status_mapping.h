// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/status.h>

#include "immudb/status.h"

namespace immudb {

// The one table of our codes to those of gRPC (and so to what every client sees). Pure.
grpc::StatusCode ToGrpcCode(StatusCode code);

grpc::Status ToGrpcStatus(const Status& status);

}  // namespace immudb
