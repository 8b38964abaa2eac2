// SPDX-License-Identifier: Apache-2.0
#include "server/unary_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include "server/status_mapping.h"

namespace immudb {

void UnaryCall::Post() {
  writer_.emplace(&*context_);
  queue_.RequestNext(*context_, *request_, *writer_, tag());
}

void UnaryCall::DropWriter() {
  writer_.reset();
  queue_.front().answers.Remove(large_bytes_);
  large_bytes_ = 0;
}

void UnaryCall::End(Status status) {
  Ending(status);
  if (const size_t bytes = response_->ByteSizeLong();
      status.ok() && bytes >= AnswerBudget::kLargeBytes) {
    large_bytes_ = bytes;
    queue_.front().answers.Add(bytes);
  }
  // The poller may have the call back before these return.
  if (status.ok()) {
    writer_->Finish(*response_, grpc::Status::OK, tag());
  } else {
    writer_->FinishWithError(ToGrpcStatus(status), tag());
  }
}

}  // namespace immudb
