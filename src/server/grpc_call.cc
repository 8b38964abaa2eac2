// SPDX-License-Identifier: Apache-2.0
#include "server/grpc_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <utility>

#include "server/dispatcher.h"
#include "server/public_status.h"
#include "server/status_mapping.h"
#include "server/stream_call.h"
#include "server/unary_call.h"

namespace immudb {
namespace {

constexpr char kUuidHeader[] = "immudb-uuid";
constexpr char kAuthorizationHeader[] = "authorization";

// Calls of a method that may arrive between two looks of the poller without waiting for each other.
constexpr size_t kPostedShortCalls = 32;
constexpr size_t kPostedLongCalls = 4;
constexpr size_t kMaxIdleCalls = 256;

// With more calls in progress each is counted, as at least what a call costs, while its request or
// its answer is on the way: clients must not pile up calls that they never finish.
constexpr size_t kManyCalls = 2048;
constexpr size_t kBytesOfCall = size_t{8} << 10;

}  // namespace

void LiveCalls::Remove() {
  if (count_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::lock_guard lock(mutex_);
  none_.notify_all();
}

void LiveCalls::RemoveTaken() {
  if (taken_.fetch_sub(1, std::memory_order_acq_rel) != 1 || !stopping()) return;
  const std::lock_guard lock(mutex_);
  none_.notify_all();
}

void LiveCalls::WaitForNoneTaken(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  none_.wait_for(lock, patience, [this] { return taken_.load(std::memory_order_acquire) == 0; });
}

void LiveCalls::WaitForNone() {
  std::unique_lock lock(mutex_);
  none_.wait(lock, [this] { return count_.load(std::memory_order_acquire) == 0; });
}

MethodQueue::MethodQueue(const FrontContext& front, CallSource& source, const Method& method,
                         int method_index, Poller& poller)
    : front_(front),
      source_(source),
      method_(method),
      method_index_(method_index),
      poller_(poller) {}

MethodQueue::~MethodQueue() = default;

void MethodQueue::Open() {
  const size_t count = method_.run == RunOn::kPoller ? kPostedShortCalls : kPostedLongCalls;
  for (size_t i = 0; i < count; ++i) PostOne();
}

void MethodQueue::PostOne() {
  if (front_.live.stopping()) return;
  std::unique_ptr<GrpcCall> call;
  if (idle_.empty() && method_.streams) {
    call = std::make_unique<StreamCall>(*this);
  } else if (idle_.empty()) {
    call = std::make_unique<UnaryCall>(*this);
  } else {
    call = std::move(idle_.back());
    idle_.pop_back();
  }
  front_.live.Add();
  call.release()->Wait();
}

void MethodQueue::TakeBack(std::unique_ptr<GrpcCall> call) {
  if (idle_.size() < kMaxIdleCalls) idle_.push_back(std::move(call));
  call.reset();
  front_.live.Remove();
}

GrpcCall::GrpcCall(MethodQueue& queue) : queue_(queue) {}

void GrpcCall::Wait() {
  request_ = queue_.method_.request->New(&arena_);
  response_ = queue_.method_.response->New(&arena_);
  context_.emplace();
  state_ = State::kWaiting;
  // Costs an event a call: short calls are answered before it could tell anything.
  if (queue_.method_.run == RunOn::kReader) context_->AsyncNotifyWhenDone(&done_event_);
  Post();
}

void GrpcCall::OnQueue(bool ok) {
  if (state_ == State::kWaiting && ok) return OnHeaders();
  if (state_ == State::kReading) return OnMessage(ok);
  if (state_ == State::kWriting) return OnWritten(ok);
  // Either sent (or cut, which changes nothing here), or no call will come any more.
  finished_ = true;
  Release();
}

void GrpcCall::OnDone() {
  done_awaited_ = false;
  if (context_->IsCancelled()) abandoned_.store(true, std::memory_order_relaxed);
  if (finished_) Release();
}

void GrpcCall::Release() {
  if (done_awaited_) return;
  std::unique_ptr<GrpcCall> self(this);
  Reset();
  queue_.TakeBack(std::move(self));
}

void GrpcCall::OnHeaders() {
  queue_.PostOne();
  open_ = true;
  queue_.front_.live.AddOpen();
  done_awaited_ = queue_.method_.run == RunOn::kReader;
  context_->AddInitialMetadata(kUuidHeader, queue_.front_.server_uuid);
  has_metadata = !context_->client_metadata().empty();
  authorization = Metadata(kAuthorizationHeader);
  if (const Status admitted = Admit(); !admitted.ok()) {
    state_ = State::kHandling;
    queue_.front_.dispatcher.OnBegin(queue_.method_, *this);
    return Completion{*this}(admitted);
  }
  state_ = State::kReading;
  Read();
}

Status GrpcCall::Admit() {
  const Status allowed = queue_.front_.live.stopping()
                             ? Status::Unavailable("the server is stopping")
                             : queue_.front_.dispatcher.Check(queue_.method_, *this);
  Connections& connections = queue_.front_.connections;
  const bool trusted =
      allowed.ok() && (session != nullptr || queue_.method_.access != Access::kOpen);
  if (connections.any_untrusted()) connections.Heard(Peer(), trusted);
  if (!allowed.ok() || queue_.front_.live.open() < kManyCalls) return allowed;
  answer_ = queue_.front_.answers.TryAdd(Reader(), kBytesOfCall, [this] { context_->TryCancel(); });
  if (answer_) return allowed;
  return Status::ResourceExhausted("too many calls are in progress, try later");
}

void GrpcCall::OnMessage(bool ok) {
  AnswerWasTaken();
  if (!ok) {
    state_ = State::kFinishing;
    return Fail({grpc::StatusCode::INTERNAL, "Unable to parse request"});
  }
  state_ = State::kHandling;
  taken_ = true;
  queue_.front_.live.AddTaken();
  queue_.front_.dispatcher.OnBegin(queue_.method_, *this);
  if (queue_.front_.live.stopping()) {
    return Completion{*this}(Status::Unavailable("the server is stopping"));
  }
  // Rights may have been taken away while the request was on its way.
  session.reset();
  database = nullptr;
  queue_.front_.dispatcher.Dispatch(queue_.method_, *this, *request_, *response_);
}

std::string GrpcCall::Peer() const {
  return context_->peer();
}

std::optional<std::string_view> GrpcCall::Metadata(std::string_view name) const {
  const auto& metadata = context_->client_metadata();
  const grpc::string_ref key(name.data(), name.size());
  const auto found = metadata.lower_bound(key);
  if (found == metadata.end() || found->first != key) return std::nullopt;
  return std::string_view(found->second.data(), found->second.size());
}

std::string GrpcCall::Reader() const {
  std::string reader = Peer();
  return session == nullptr ? reader : reader + " " + session->user;
}

// A listing is not begun whose answer could not be given: its work would be for nothing.
Status GrpcCall::Starting() {
  if (queue_.method_.access != Access::kRead || queue_.method_.run == RunOn::kPoller ||
      queue_.front_.answers.HasRoomFor(Reader())) {
    return Status::Ok();
  }
  return Status::ResourceExhausted(kTooManyAnswers);
}

bool GrpcCall::CountAnswer(size_t bytes, bool must) {
  if (bytes < AnswerBudget::kLargeBytes) {
    if (queue_.front_.live.open() < kManyCalls) return true;
    bytes = std::max(bytes, kBytesOfCall);
    must = true;
  }
  AnswerBudget& answers = queue_.front_.answers;
  const auto cancel = [this] { context_->TryCancel(); };
  answer_ = must ? answers.Add(Reader(), bytes, cancel) : answers.TryAdd(Reader(), bytes, cancel);
  return answer_.has_value();
}

void GrpcCall::AnswerWasTaken() {
  if (answer_) queue_.front_.answers.Remove(*std::exchange(answer_, std::nullopt));
}

const Method& GrpcCall::method() const {
  return queue_.method_;
}

void GrpcCall::DropMessages() {
  request_ = nullptr;
  response_ = nullptr;
  arena_.Reset();
}

void GrpcCall::AddAnswerHeader(const char* name, const std::string& value) {
  context_->AddInitialMetadata(name, value);
}

grpc::Status GrpcCall::Ending(const Status& status) {
  queue_.front_.dispatcher.OnEnd(queue_.method_, *this, status);
  state_ = State::kFinishing;
  return ToGrpcStatus(PublicStatus(status, *this));
}

void GrpcCall::Reset() {
  state_ = State::kIdle;
  AnswerWasTaken();
  DropWriter();
  context_.reset();
  DropMessages();
  has_metadata = false;
  authorization.reset();
  session.reset();
  database = nullptr;
  open_store.reset();
  abandoned_.store(false, std::memory_order_relaxed);
  finished_ = false;
  if (std::exchange(open_, false)) queue_.front_.live.RemoveOpen();
  if (std::exchange(taken_, false)) queue_.front_.live.RemoveTaken();
}

}  // namespace immudb

grpc::Status grpc::SerializationTraits<immudb::UnaryAnswer, void>::Serialize(
    const immudb::UnaryAnswer& answer, ByteBuffer* buffer, bool* own_buffer) {
  const Status serialised = GenericSerialize<ProtoBufferWriter, google::protobuf::Message>(
      *answer.message, buffer, own_buffer);
  if (answer.drop != nullptr) answer.drop->DropMessages();
  return serialised;
}
