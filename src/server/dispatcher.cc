// SPDX-License-Identifier: Apache-2.0
#include "server/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "database/database.h"
#include "database/databases.h"
#include "server/access_control.h"
#include "server/exception_barrier.h"
#include "server/peer_address.h"

namespace immudb {
namespace {

constexpr size_t kMaxQueuedReads = 4096;
// One at a time and user, and one that is free for the others.
constexpr size_t kAdministrationThreads = 2;
constexpr size_t kMaxQueuedAdministration = 1024;
constexpr size_t kWaitingThreads = 3;
constexpr size_t kMaxQueuedWaiting = 4096;
// Of a request with a password, while it waits: names and passwords are much shorter.
constexpr size_t kMaxLoginRequestBytes = size_t{64} << 10;

// The status to end the call with; nothing if the handler has passed its Completion on. Then the
// call may be over, and another one in its place. A handler does so as the last thing: one that
// throws has not done so.
std::optional<Status> Handle(const Method& method, CallContext& call,
                             const Method::Message& request, Method::Message& response) {
  std::optional<Status> end;
  const Status guarded = RunGuarded([&]() -> Status {
    IMMUDB_RETURN_IF_ERROR(call.Starting());
    end = method.handle(call, request, response);
    return Status::Ok();
  });
  return guarded.ok() ? end : guarded;
}

// Whose share of the threads a call uses. User names have no '@'.
std::string OwnerOf(const CallContext& call) {
  return call.session != nullptr ? call.session->user : '@' + AddressForLimits(call.Peer());
}

void RefuseForNow(CallContext& call) {
  Completion{call}(Status::ResourceExhausted("too many calls are waiting, try later"));
}

// Has a pool take `task` by `submit`, or ends the call.
template <typename Submit>
void Queue(CallContext& call, const Submit& submit) {
  bool queued = false;
  const Status submitted = RunGuarded([&] {
    queued = submit();
    return Status::Ok();
  });
  if (!submitted.ok()) return Completion{call}(submitted);
  if (!queued) RefuseForNow(call);
}

}  // namespace

Dispatcher::Dispatcher(const Services& services, size_t reader_threads,
                       std::vector<CallObserver*> observers)
    : services_(services),
      observers_(std::move(observers)),
      readers_(std::max<size_t>(reader_threads, 1) + 1, kMaxQueuedReads),
      administration_(kAdministrationThreads, kMaxQueuedAdministration),
      waiting_(kWaitingThreads, kMaxQueuedWaiting),
      opener_(services.databases) {}

Status Dispatcher::Check(const Method& method, CallContext& call) const {
  return RunGuarded([&] { return Authorize(method, services_, call); });
}

void Dispatcher::Dispatch(const Method& method, CallContext& call, const Method::Message& request,
                          Method::Message& response) {
  if (const Status allowed = Check(method, call); !allowed.ok()) return Completion{call}(allowed);
  if (method.access != Access::kOpen) {
    call.open_store = call.database->StoreIfOpen();
    if (call.open_store == nullptr) {
      return OpenAndRun(method, call, request, response);
    }
  }
  Run(method, call, request, response);
}

void Dispatcher::Run(const Method& method, CallContext& call, const Method::Message& request,
                     Method::Message& response) {
  switch (method.run) {
    case RunOn::kPoller:
      return RunAtOnce(method, call, request, response);
    case RunOn::kReader:
      return Enqueue(readers_, method, call, request, response);
    case RunOn::kAdministration:
      return Enqueue(administration_, method, call, request, response);
    case RunOn::kLogin:
      return EnqueueLogin(method, call, request, response);
  }
}

void Dispatcher::RunAtOnce(const Method& method, CallContext& call, const Method::Message& request,
                           Method::Message& response) {
  if (method.access == Access::kWrite && request.ByteSizeLong() > CallContext::kLargeBytes) {
    return Enqueue(waiting_, method, call, request, response);
  }
  call.at_once = true;
  call.would_wait = false;
  std::optional<Status> end = Handle(method, call, request, response);
  if (!end) return;
  if (!call.would_wait) return Completion{call}(*std::move(end));
  response.Clear();
  Enqueue(waiting_, method, call, request, response);
}

void Dispatcher::Enqueue(FairPool& lane, const Method& method, CallContext& call,
                         const Method::Message& request, Method::Message& response) {
  Queue(call, [&] {
    return lane.TrySubmit(OwnerOf(call), [this, m = &method, c = &call, in = &request,
                                          out = &response] { RunQueued(*m, *c, *in, *out); });
  });
}

void Dispatcher::RunQueued(const Method& method, CallContext& call, const Method::Message& request,
                           Method::Message& response) {
  if (call.abandoned()) return Completion{call}(Status::Unavailable("the client has gone"));
  if (stopping_.load(std::memory_order_relaxed)) {
    return Completion{call}(Status::Unavailable("the server is stopping"));
  }
  call.at_once = false;
  std::optional<Status> end = Handle(method, call, request, response);
  if (end) Completion{call}(*std::move(end));
}

void Dispatcher::Continue(const CallContext& call, std::function<void()> step) {
  readers_.Submit(OwnerOf(call), std::move(step));
}

void Dispatcher::EnqueueLogin(const Method& method, CallContext& call,
                              const Method::Message& request, Method::Message& response) {
  const Status queued = RunGuarded([&]() -> Status {
    LoginTicket ticket;
    if (method.ticket != nullptr) {
      auto given = method.ticket(call, request);
      IMMUDB_RETURN_IF_ERROR(given);
      ticket = *std::move(given);
    }
    if (request.ByteSizeLong() > kMaxLoginRequestBytes) {
      return Status::InvalidArgument("a request that holds a password is at most 64 KiB long");
    }
    logins_.Submit(
        ticket,
        [this, m = &method, c = &call, in = &request, out = &response] {
          RunQueued(*m, *c, *in, *out);
        },
        [c = &call] { RefuseForNow(*c); });
    return Status::Ok();
  });
  if (!queued.ok()) Completion{call}(queued);
}

void Dispatcher::OpenAndRun(const Method& method, CallContext& call, const Method::Message& request,
                            Method::Message& response) {
  bool waits = false;
  const Status submitted = RunGuarded([&] {
    waits = opener_.Open(*call.database, [this, m = &method, c = &call, in = &request,
                                          out = &response](Result<std::shared_ptr<Store>> opened) {
      if (!opened.ok()) return Completion{*c}(opened.status());
      c->open_store = *std::move(opened);
      Run(*m, *c, *in, *out);
    });
    return Status::Ok();
  });
  if (!submitted.ok()) return Completion{call}(submitted);
  if (!waits) {
    Completion{call}(Status::ResourceExhausted("too many calls wait for database " +
                                               call.database->name() + ", try later"));
  }
}

void Dispatcher::OnBegin(const Method& method, CallContext& call) {
  call.began = std::chrono::steady_clock::now();
  call.messages_sent = 0;
  for (CallObserver* observer : observers_) observer->OnBegin(method, call);
}

void Dispatcher::OnEnd(const Method& method, const CallContext& call, const Status& status) {
  const auto took = std::chrono::steady_clock::now() - call.began;
  for (CallObserver* observer : observers_) observer->OnEnd(method, call, status, took);
}

}  // namespace immudb
