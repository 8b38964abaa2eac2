// SPDX-License-Identifier: Apache-2.0
#include "server/stream_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <utility>

#include "server/dispatcher.h"
#include "server/exception_barrier.h"

namespace immudb {

void StreamCall::Post() {
  writer_.emplace(&*context_);
  queue_.RequestNext(*context_, *writer_, tag());
}

void StreamCall::Read() {
  writer_->Read(request_, tag());
}

void StreamCall::Fail(const grpc::Status& status) {
  writer_->Finish(status, tag());
}

void StreamCall::Stream(std::unique_ptr<ChunkSource> source) {
  if (!queue_.front().streams.TryTake()) {
    return End(Status::ResourceExhausted("too many streams are open, try later"));
  }
  source_ = std::move(source);
  SendNext();
}

void StreamCall::SendNext() {
  // A new one each time: a cleared message keeps the memory of the largest values it ever held.
  std::unique_ptr<google::protobuf::Message> chunk;
  bool more = false;
  const Status made = RunGuarded([&]() -> Status {
    chunk.reset(response_->New());
    const auto next = source_->Next(*chunk);
    if (next.ok()) more = *next;
    return next.status();
  });
  if (!more) return End(made);
  state_ = State::kWriting;
  ++messages_sent;
  // Write() serialises the chunk, and throws before gRPC has it. The poller may have the call back
  // before it returns.
  const Status written = RunGuarded([&] {
    // Of any size, so that a client that takes nothing does not keep the slot for ever.
    CountAnswer(std::max(chunk->ByteSizeLong(), AnswerBudget::kLargeBytes), /*must=*/true);
    writer_->Write(*chunk, tag());
    return Status::Ok();
  });
  if (written.ok()) return;
  state_ = State::kHandling;
  AnswerWasTaken();
  End(written);
}

void StreamCall::OnWritten(bool ok) {
  state_ = State::kHandling;
  AnswerWasTaken();
  if (!ok) return End(Status::Unavailable("the client has gone"));
  const Status queued = RunGuarded([this] {
    queue_.front().dispatcher.Continue(*this, [this] { SendNext(); });
    return Status::Ok();
  });
  if (!queued.ok()) End(queued);
}

void StreamCall::End(Status status) {
  if (source_ != nullptr) {
    source_.reset();
    queue_.front().streams.GiveBack();
  }
  const grpc::Status answered = Ending(status);
  writer_->Finish(answered, tag());
}

}  // namespace immudb
