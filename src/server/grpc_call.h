// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"
#include "server/answer_budget.h"
#include "server/call_context.h"
#include "server/connections.h"
#include "server/method.h"
#include "server/poller.h"

namespace immudb {

class Dispatcher;
class GrpcCall;

// The answer of a call, as gRPC is given it. When it is serialised, a large one is dropped: it may
// take long until its client has the bytes, and they need not be kept twice.
struct UnaryAnswer {
  const google::protobuf::Message* message;
  GrpcCall* drop = nullptr;  // whose messages are dropped then; null: they are kept
};

// Messages are as untyped here as in gRPC's own plumbing: the method table knows the types.
// The server reads the request of every method itself: a call that is not allowed is refused when
// its headers have come, before its request is in memory. For gRPC such methods are streams.
using UnaryWriter = grpc::ServerAsyncReader<UnaryAnswer, google::protobuf::Message>;
using StreamWriter =
    grpc::ServerAsyncReaderWriter<google::protobuf::Message, google::protobuf::Message>;

// Where calls come from: a service.
class CallSource {
 public:
  virtual ~CallSource() = default;
  // The next call of this method goes to these places, and `tag` then to the queue.
  virtual void Request(int method_index, grpc::ServerContext* context, UnaryWriter* writer,
                       grpc::ServerCompletionQueue* queue, void* tag) = 0;
  virtual void Request(int method_index, grpc::ServerContext* context, StreamWriter* writer,
                       grpc::ServerCompletionQueue* queue, void* tag) = 0;
};

// How many calls are posted, handled or being sent, so that a shutdown knows when none is left.
// Thread-safe.
class LiveCalls {
 public:
  void Add() { count_.fetch_add(1, std::memory_order_relaxed); }
  void Remove();
  // The added calls whose headers have come.
  void AddOpen() { open_.fetch_add(1, std::memory_order_relaxed); }
  void RemoveOpen() { open_.fetch_sub(1, std::memory_order_relaxed); }
  size_t open() const { return open_.load(std::memory_order_relaxed); }
  // The open calls whose requests have come too: a client waits for them.
  void AddTaken() { taken_.fetch_add(1, std::memory_order_relaxed); }
  void RemoveTaken();
  // Waits until no call is taken, at most for this time.
  void WaitForNoneTaken(std::chrono::milliseconds patience);
  // No call is to be posted from now on.
  void Stop() { stopping_ = true; }
  bool stopping() const { return stopping_; }
  void WaitForNone();

 private:
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> count_{0};
  std::atomic<size_t> open_{0};
  std::atomic<size_t> taken_{0};
  std::mutex mutex_;
  std::condition_variable none_;
};

// How many calls stream at once; each costs a chunk of memory. Thread-safe.
class StreamSlots {
 public:
  static constexpr size_t kMax = 16;
  bool TryTake() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < kMax) return true;
    GiveBack();
    return false;
  }
  void GiveBack() { taken_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<size_t> taken_{0};
};

inline constexpr char kTooManyAnswers[] =
    "too many large answers wait for their readers, try later";

// What all calls of a front share; outlives them.
struct FrontContext {
  Dispatcher& dispatcher;
  LiveCalls& live;
  StreamSlots& streams;
  AnswerBudget& answers;
  Connections& connections;
  const std::string& server_uuid;
};

// Keeps calls of one method posted to one queue. Belongs to that queue's poller.
class MethodQueue {
 public:
  MethodQueue(const FrontContext& front, CallSource& source, const Method& method, int method_index,
              Poller& poller);
  ~MethodQueue();
  MethodQueue(const MethodQueue&) = delete;
  MethodQueue& operator=(const MethodQueue&) = delete;

  // Before the poller runs: posts some calls, so that a burst of them is taken without delay.
  void Open();

  // The next call goes to these places.
  template <typename Writer>
  void RequestNext(grpc::ServerContext& context, Writer& writer, void* tag) {
    source_.Request(method_index_, &context, &writer, poller_.queue(), tag);
  }

  const FrontContext& front() const { return front_; }

 private:
  friend class GrpcCall;

  void PostOne();
  void TakeBack(std::unique_ptr<GrpcCall> call);

  const FrontContext& front_;
  CallSource& source_;
  const Method& method_;
  const int method_index_;
  Poller& poller_;
  std::vector<std::unique_ptr<GrpcCall>> idle_;
};

// One call over gRPC, a state machine that is used again for later calls of its method:
//
//     idle -> waiting -> reading -> handling -> finishing -> idle
//             (posted)   (headers    (dispatcher) (Finish was called, its event is awaited)
//                         have come)
//
// A call that is refused for its headers, and one whose request does not come, goes from there to
// finishing.
// Run by the poller of its queue; only what answers the call may come from another thread, and only
// while handling. While it is posted, writing or finishing, the queue owns it.
class GrpcCall : public CallContext, public Poller::Event {
 public:
  explicit GrpcCall(MethodQueue& queue);

  void OnQueue(bool ok) final;
  std::string Peer() const final;
  std::optional<std::string_view> Metadata(std::string_view name) const final;
  void AddAnswerHeader(const char* name, const std::string& value) final;
  Status Starting() final;

  // Frees request and response, which nobody may touch any more.
  void DropMessages();

 protected:
  friend class MethodQueue;
  // kWriting: a message that is not the last is on its way.
  enum class State : uint8_t { kIdle, kWaiting, kReading, kHandling, kWriting, kFinishing };

  // Asks gRPC for the next call, with a new writer on context_.
  virtual void Post() = 0;
  // Asks gRPC for the request.
  virtual void Read() = 0;
  // Ends a call that nobody is told of: its request did not come, or is none.
  virtual void Fail(const grpc::Status& status) = 0;
  // The message was taken by the network; not ok: the client has gone.
  virtual void OnWritten(bool ok) = 0;
  // The call is over.
  virtual void DropWriter() = 0;

  void* tag() { return static_cast<Poller::Event*>(this); }
  // Before the call is ended: returns what to end it with.
  grpc::Status Ending(const Status& status);

  // Counts an answer of `bytes` in the AnswerBudget until its client has taken it, if answers of
  // this size are counted. False: there is no room. If it `must` be given, it is counted anyway.
  bool CountAnswer(size_t bytes, bool must);
  void AnswerWasTaken();
  const Method& method() const;

  MethodQueue& queue_;
  State state_ = State::kIdle;
  alignas(std::max_align_t)
      std::array<char, 2048> first_block_;  // of the arena; enough for a small call
  google::protobuf::Arena arena_{first_block_.data(), first_block_.size()};
  google::protobuf::Message* request_ = nullptr;
  google::protobuf::Message* response_ = nullptr;
  std::optional<grpc::ServerContext> context_;

 private:
  // Comes once for each call that was taken: when it is over, or when its client has given up.
  class DoneEvent final : public Poller::Event {
   public:
    explicit DoneEvent(GrpcCall& call) : call_(call) {}
    void OnQueue(bool /*ok*/) override { call_.OnDone(); }

   private:
    GrpcCall& call_;
  };

  void Wait();
  void OnHeaders();
  Status Admit();
  void OnMessage(bool ok);
  // The reader to whom answers are counted: the connection, or on a socket file the user.
  std::string Reader() const;
  void OnDone();
  void Release();
  void Reset();

  DoneEvent done_event_{*this};
  std::optional<AnswerBudget::Ticket> answer_;
  bool open_ = false;
  bool taken_ = false;
  bool done_awaited_ = false;
  bool finished_ = false;  // and waits only for the other event
};

}  // namespace immudb

template <>
class grpc::SerializationTraits<immudb::UnaryAnswer, void> {
 public:
  static Status Serialize(const immudb::UnaryAnswer& answer, ByteBuffer* buffer, bool* own_buffer);
};
