// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/call_context.h"
#include "server/method.h"
#include "server/poller.h"

namespace immudb {

class Dispatcher;
class UnaryCall;

// Messages are as untyped here as in gRPC's own plumbing: the method table knows the types.
using UnaryWriter = grpc::ServerAsyncResponseWriter<google::protobuf::Message>;

// Where calls come from: the generated service.
class CallSource {
 public:
  virtual ~CallSource() = default;
  // The next call of this method goes to these places, and `tag` then to the queue.
  virtual void Request(int method_index, grpc::ServerContext* context,
                       google::protobuf::Message* request, UnaryWriter* writer,
                       grpc::ServerCompletionQueue* queue, void* tag) = 0;
};

// How many calls are posted, handled or being sent, so that a shutdown knows when none is left.
// Thread-safe.
class LiveCalls {
 public:
  void Add() { count_.fetch_add(1, std::memory_order_relaxed); }
  void Remove();
  // No call is to be posted from now on.
  void Stop() { stopping_ = true; }
  bool stopping() const { return stopping_; }
  void WaitForNone();

 private:
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> count_{0};
  std::mutex mutex_;
  std::condition_variable none_;
};

// What all calls of a front share; outlives them.
struct FrontContext {
  Dispatcher& dispatcher;
  CallSource& source;
  LiveCalls& live;
  const std::string& server_uuid;
};

// Keeps calls of one method posted to one queue. Belongs to that queue's poller.
class MethodQueue {
 public:
  MethodQueue(const FrontContext& front, const Method& method, int method_index, Poller& poller);
  ~MethodQueue();
  MethodQueue(const MethodQueue&) = delete;
  MethodQueue& operator=(const MethodQueue&) = delete;

  // Before the poller runs: posts some calls, so that a burst of them is taken without delay.
  void Open();

 private:
  friend class UnaryCall;

  void PostOne();
  void TakeBack(std::unique_ptr<UnaryCall> call);

  const FrontContext& front_;
  const Method& method_;
  const int method_index_;
  Poller& poller_;
  std::vector<std::unique_ptr<UnaryCall>> idle_;
};

// One unary call over gRPC, a state machine that is used again for later calls of its method:
//
//     idle -> waiting -> handling -> sending -> idle
//             (posted)   (dispatcher) (Finish was called, its event is awaited)
//
// Run by the poller of its queue; only End may come from another thread, and only while handling.
// While it is posted or sending, the queue owns it.
class UnaryCall final : public CallContext, public Poller::Event {
 public:
  explicit UnaryCall(MethodQueue& queue);

  void OnQueue(bool ok) override;
  std::string Peer() const override;

 private:
  friend class MethodQueue;
  enum class State : uint8_t { kIdle, kWaiting, kHandling, kSending };

  void Wait();
  void Handle();
  void End(Status status) override;
  void Reset();

  MethodQueue& queue_;
  State state_ = State::kIdle;
  alignas(std::max_align_t)
      std::array<char, 2048> first_block_;  // of the arena; enough for a small call
  google::protobuf::Arena arena_{first_block_.data(), first_block_.size()};
  google::protobuf::Message* request_ = nullptr;
  google::protobuf::Message* response_ = nullptr;
  std::optional<grpc::ServerContext> context_;
  std::optional<UnaryWriter> writer_;
};

}  // namespace immudb
