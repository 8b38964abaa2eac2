// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "immudb/status.h"
#include "server/grpc_call.h"

namespace immudb {

// A call with one answer.
class UnaryCall final : public GrpcCall {
 public:
  using GrpcCall::GrpcCall;

 private:
  void Post() override;
  void Read() override;
  void Fail(const grpc::Status& status) override;
  void OnWritten(bool /*ok*/) override {}
  void DropWriter() override { writer_.reset(); }
  void End(Status status) override;

  std::optional<UnaryWriter> writer_;
};

}  // namespace immudb
