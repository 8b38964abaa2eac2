// SPDX-License-Identifier: Apache-2.0
#include "server/unary_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <utility>

#include "server/dispatcher.h"
#include "server/status_mapping.h"

namespace immudb {
namespace {

constexpr char kUuidHeader[] = "immudb-uuid";
constexpr char kAuthorizationHeader[] = "authorization";

// Calls of a method that may arrive between two looks of the poller without waiting for each other.
constexpr size_t kPostedShortCalls = 32;
constexpr size_t kPostedLongCalls = 4;
constexpr size_t kMaxIdleCalls = 256;

}  // namespace

void LiveCalls::Remove() {
  if (count_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::lock_guard lock(mutex_);
  none_.notify_all();
}

void LiveCalls::WaitForNone() {
  std::unique_lock lock(mutex_);
  none_.wait(lock, [this] { return count_.load(std::memory_order_acquire) == 0; });
}

MethodQueue::MethodQueue(const FrontContext& front, const Method& method, int method_index,
                         Poller& poller)
    : front_(front), method_(method), method_index_(method_index), poller_(poller) {}

MethodQueue::~MethodQueue() = default;

void MethodQueue::Open() {
  const size_t count = method_.run == RunOn::kPoller ? kPostedShortCalls : kPostedLongCalls;
  for (size_t i = 0; i < count; ++i) PostOne();
}

void MethodQueue::PostOne() {
  if (front_.live.stopping()) return;
  std::unique_ptr<UnaryCall> call;
  if (idle_.empty()) {
    call = std::make_unique<UnaryCall>(*this);
  } else {
    call = std::move(idle_.back());
    idle_.pop_back();
  }
  front_.live.Add();
  call.release()->Wait();
}

void MethodQueue::TakeBack(std::unique_ptr<UnaryCall> call) {
  if (idle_.size() < kMaxIdleCalls) idle_.push_back(std::move(call));
  call.reset();
  front_.live.Remove();
}

UnaryCall::UnaryCall(MethodQueue& queue) : queue_(queue) {}

void UnaryCall::Wait() {
  request_ = queue_.method_.request->New(&arena_);
  response_ = queue_.method_.response->New(&arena_);
  context_.emplace();
  writer_.emplace(&*context_);
  state_ = State::kWaiting;
  queue_.front_.source.Request(queue_.method_index_, &*context_, request_, &*writer_,
                               queue_.poller_.queue(), static_cast<Poller::Event*>(this));
}

void UnaryCall::OnQueue(bool ok) {
  if (state_ == State::kWaiting && ok) {
    queue_.PostOne();
    Handle();
    return;
  }
  // Either sent (or cut, which changes nothing here), or no call will come any more.
  std::unique_ptr<UnaryCall> self(this);
  Reset();
  queue_.TakeBack(std::move(self));
}

void UnaryCall::Handle() {
  state_ = State::kHandling;
  context_->AddInitialMetadata(kUuidHeader, queue_.front_.server_uuid);
  const auto& metadata = context_->client_metadata();
  has_metadata = !metadata.empty();
  if (const auto found = metadata.lower_bound(kAuthorizationHeader);
      found != metadata.end() && found->first == kAuthorizationHeader) {
    authorization.emplace(found->second.data(), found->second.size());
  }
  queue_.front_.dispatcher.Dispatch(queue_.method_, *this, *request_, *response_);
}

std::string UnaryCall::Peer() const {
  return context_->peer();
}

void UnaryCall::End(Status status) {
  queue_.front_.dispatcher.OnEnd(queue_.method_, *this, status);
  state_ = State::kSending;
  // The poller may have the call back before these return.
  if (status.ok()) {
    writer_->Finish(*response_, grpc::Status::OK, static_cast<Poller::Event*>(this));
  } else {
    writer_->FinishWithError(ToGrpcStatus(status), static_cast<Poller::Event*>(this));
  }
}

void UnaryCall::Reset() {
  state_ = State::kIdle;
  writer_.reset();
  context_.reset();
  request_ = nullptr;
  response_ = nullptr;
  arena_.Reset();
  has_metadata = false;
  authorization.reset();
  session.reset();
  database = nullptr;
  open_store.reset();
}

}  // namespace immudb
