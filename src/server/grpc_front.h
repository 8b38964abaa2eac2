// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "immudb/status.h"
#include "server/server.h"

namespace immudb {

class Dispatcher;

struct GrpcFrontOptions {
  std::string target;  // as ListenTarget() gives it
  size_t max_message_bytes = size_t{32} << 20;
  size_t pollers = 1;
  size_t max_connections = 1024;
  // The time a client has to take an answer. Then the call is cancelled; see AnswerBudget.
  std::chrono::milliseconds answer_timeout{std::chrono::seconds(60)};
  // `immudb-uuid` of every answer.
  std::string server_uuid;
  std::optional<TlsFiles> tls = std::nullopt;  // none: plain text
  // Whether a service of grpc.health.v1 is well; none: there is no such one. "" and ImmuService are
  // the server as a whole. Null: all is well. Called from any thread.
  std::function<std::optional<bool>(const std::string& service)> health = nullptr;
};

// The gRPC front: the wire side of the methods of the table, grpc.health.v1 and reflection. Calls
// are taken from completion queues, each polled by one thread, and given to the dispatcher; a
// poller never waits for a call.
class GrpcFront {
 public:
  // Listens and serves. `dispatcher` outlives the front. kUnavailable if the address cannot be had;
  // for the TLS files see MakeTlsCredentials.
  static Result<std::unique_ptr<GrpcFront>> Start(const GrpcFrontOptions& options,
                                                  Dispatcher& dispatcher);
  // Shuts down without grace, if that was not done.
  ~GrpcFront();
  GrpcFront(const GrpcFront&) = delete;
  GrpcFront& operator=(const GrpcFront&) = delete;

  // The TCP port that is served; 0: a socket file.
  int port() const;

  // Health goes NOT_SERVING; calls in flight may finish within `grace`, then they are cut. Returns
  // when no call is left, in handlers either. Idempotent; not from a poller.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit GrpcFront(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace immudb
