// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/call_context.h"
#include "server/method.h"
#include "server/poller.h"

namespace immudb {

class Dispatcher;
class MethodServer;

// One unary call over gRPC, as a state machine that is used again for the next call of its method:
//
//     waiting -> handling -> sending -> waiting ...
//     (posted to the queue)  (Finish was called, its event is awaited)
//
// Messages are as untyped as gRPC's own plumbing: the table knows the types. Belongs to one poller;
// only End and EndAfter may come from other threads, and only while handling.
class UnaryCall final : public CallContext, public Poller::Event, public Poller::Task {
 public:
  explicit UnaryCall(MethodServer& server);

  // Posts the call to the queue: waiting.
  void Wait();
  void OnQueue(bool ok) override;
  void RunOnPoller() override;
  bool PeerIsLocal() const override;

 private:
  friend class MethodServer;
  using Message = google::protobuf::Message;
  enum class State : uint8_t { kWaiting, kHandling, kSending };

  void End(Status status) override;
  void EndAfter(std::function<Status()> rest) override;
  void BeginHandling();
  void Reset();

  MethodServer& server_;
  State state_ = State::kWaiting;
  // What a small call needs fits here; the rest is allocated and freed with each call.
  std::array<char, 2048> first_block_;
  google::protobuf::Arena arena_;
  Message* request_ = nullptr;
  Message* response_ = nullptr;
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<Message>> writer_;
  std::function<Status()> rest_;
};

// Keeps calls of one method posted to one poller's queue. Touched by that poller's thread only (and,
// for Open(), by the one that starts it).
class MethodServer {
 public:
  using Request = std::function<void(UnaryCall& call, grpc::ServerContext* context,
                                     google::protobuf::Message* request,
                                     grpc::ServerAsyncResponseWriter<google::protobuf::Message>*)>;
  // Counts the calls that exist on a queue, so that a shutdown knows when none is left.
  class LiveCalls {
   public:
    virtual ~LiveCalls() = default;
    virtual void Add() = 0;
    virtual void Remove() = 0;
    virtual bool stopping() const = 0;
  };

  const Method& method;
  Dispatcher& dispatcher;
  Poller& poller;
  LiveCalls& live;
  const std::string& server_uuid;
  const Request request;

  void Post();
  void Recycle(UnaryCall* call);
  void Retire(UnaryCall* call);

  std::vector<std::unique_ptr<UnaryCall>> idle;
};

}  // namespace immudb
