// SPDX-License-Identifier: Apache-2.0
#include "server/unary_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

namespace immudb {

void UnaryCall::Post() {
  writer_.emplace(&*context_);
  queue_.RequestNext(*context_, *writer_, tag());
}

void UnaryCall::Read() {
  writer_->Read(request_, tag());
}

void UnaryCall::Fail(const grpc::Status& status) {
  writer_->FinishWithError(status, tag());
}

void UnaryCall::End(Status status) {
  const size_t bytes = status.ok() ? response_->ByteSizeLong() : 0;
  // What was written stays written: its answer is given in any case.
  const bool must = !status.ok() || method().access == Access::kWrite;
  if (!CountAnswer(bytes, must)) status = Status::ResourceExhausted(kTooManyAnswers);
  const grpc::Status answered = Ending(status);
  // The poller may have the call back before these return.
  if (status.ok()) {
    const bool large = bytes >= AnswerBudget::kLargeBytes;
    writer_->Finish({response_, large ? this : nullptr}, grpc::Status::OK, tag());
  } else {
    writer_->FinishWithError(answered, tag());
  }
}

}  // namespace immudb
