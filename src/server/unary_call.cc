// SPDX-License-Identifier: Apache-2.0
#include "server/unary_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include "server/status_mapping.h"

namespace immudb {

void UnaryCall::Post() {
  writer_.emplace(&*context_);
  queue_.RequestNext(*context_, *request_, *writer_, tag());
}

void UnaryCall::End(Status status) {
  Ending(status);
  // The poller may have the call back before these return.
  if (status.ok()) {
    writer_->Finish(*response_, grpc::Status::OK, tag());
  } else {
    writer_->FinishWithError(ToGrpcStatus(status), tag());
  }
}

}  // namespace immudb
