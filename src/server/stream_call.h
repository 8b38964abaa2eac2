// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "immudb/status.h"
#include "server/chunk_source.h"
#include "server/grpc_call.h"

namespace immudb {

// A call that is answered with a stream of messages:
//
//     handling -> writing -> handling -> ... -> finishing
//     (a reader    (the network takes it:
//     makes one)   as fast as the client reads)
//
// So a slow client costs one message of memory and no thread. When it goes, the message that is on
// its way fails, and the call ends.
class StreamCall final : public GrpcCall {
 public:
  using GrpcCall::GrpcCall;

  void Stream(std::unique_ptr<ChunkSource> source) override;

 private:
  void Post() override;
  void Read() override;
  void Fail(const grpc::Status& status) override;
  void OnWritten(bool ok) override;
  void DropWriter() override { writer_.reset(); }
  void End(Status status) override;

  // On a reader: makes the next message and sends it, or ends the call.
  void SendNext();

  std::unique_ptr<ChunkSource> source_;  // has a slot as long as it lives
  std::optional<StreamWriter> writer_;
};

}  // namespace immudb
