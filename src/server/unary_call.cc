// SPDX-License-Identifier: Apache-2.0
#include "server/unary_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include "server/exception_barrier.h"
#include "server/status_mapping.h"

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
  size_t bytes = 0;
  const Status counted = RunGuarded([&] {
    if (status.ok()) bytes = response_->ByteSizeLong();
    // What was written stays written: its answer is given in any case.
    const bool must = !status.ok() || method().access == Access::kWrite;
    return CountAnswer(bytes, must) ? Status::Ok() : Status::ResourceExhausted(kTooManyAnswers);
  });
  if (!counted.ok()) status = counted;
  const grpc::Status answered = Ending(status);
  // The poller may have the call back before Finish() returns. It throws before gRPC has the
  // answer, when there is no memory to serialise it: then the call ends with that error.
  const Status finished = RunGuarded([&] {
    if (!status.ok()) return Status::Ok();
    const bool large = bytes >= AnswerBudget::kLargeBytes;
    writer_->Finish({response_, large ? this : nullptr}, grpc::Status::OK, tag());
    return Status::Ok();
  });
  if (!status.ok()) {
    writer_->FinishWithError(answered, tag());
  } else if (!finished.ok()) {
    writer_->FinishWithError(ToGrpcStatus(finished), tag());
  }
}

}  // namespace immudb
