// SPDX-License-Identifier: Apache-2.0
#include "server/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "database/database.h"
#include "database/databases.h"
#include "server/access_control.h"
#include "server/exception_barrier.h"

namespace immudb {
namespace {

constexpr size_t kMaxQueuedReads = 4096;
// One login takes about a tenth of a second: nobody waits much longer than some seconds.
constexpr size_t kMaxQueuedLogins = 32;
constexpr size_t kOpenerThreads = 4;
constexpr size_t kMaxQueuedForOpening = 1024;

// Handlers that hand their Completion on do so last, and then return: what throws has not.
void Handle(const Method& method, CallContext& call, const Method::Message& request,
            Method::Message& response) {
  if (call.abandoned()) return Completion{call}(Status::Unavailable("the client has gone"));
  std::optional<Status> end;
  const Status guarded = RunGuarded([&]() -> Status {
    IMMUDB_RETURN_IF_ERROR(call.Starting());
    end = method.handle(call, request, response);
    return Status::Ok();
  });
  if (!guarded.ok()) end = guarded;
  if (end) Completion{call}(*std::move(end));
}

// Has the pool run `task`, or ends the call.
template <typename Task>
void Queue(ThreadPool& pool, CallContext& call, Task task) {
  bool queued = false;
  const Status submitted = RunGuarded([&] {
    queued = pool.TrySubmit(std::move(task));
    return Status::Ok();
  });
  if (!submitted.ok()) return Completion{call}(submitted);
  if (!queued) Completion{call}(Status::ResourceExhausted("too many calls are waiting, try later"));
}

}  // namespace

Dispatcher::Dispatcher(const Services& services, size_t reader_threads,
                       std::vector<CallObserver*> observers)
    : services_(services),
      observers_(std::move(observers)),
      readers_(std::max<size_t>(reader_threads, 1), kMaxQueuedReads),
      logins_(1, kMaxQueuedLogins),
      openers_(kOpenerThreads, kMaxQueuedForOpening) {}

void Dispatcher::Dispatch(const Method& method, CallContext& call, const Method::Message& request,
                          Method::Message& response) {
  const Status allowed = RunGuarded([&] { return Authorize(method, services_, call); });
  if (!allowed.ok()) return Completion{call}(allowed);
  if (method.access != Access::kOpen) {
    call.open_store = call.database->StoreIfOpen();
    if (call.open_store == nullptr) {
      return Queue(openers_, call, [this, m = &method, c = &call, in = &request, out = &response] {
        OpenAndRun(*m, *c, *in, *out);
      });
    }
  }
  Run(method, call, request, response);
}

void Dispatcher::Run(const Method& method, CallContext& call, const Method::Message& request,
                     Method::Message& response) {
  if (method.run == RunOn::kPoller) return Handle(method, call, request, response);
  Queue(method.run == RunOn::kLogin ? logins_ : readers_, call,
        [m = &method, c = &call, in = &request, out = &response] { Handle(*m, *c, *in, *out); });
}

void Dispatcher::OpenAndRun(const Method& method, CallContext& call, const Method::Message& request,
                            Method::Message& response) {
  const Status opened = RunGuarded([&]() -> Status {
    auto store = services_.databases.OpenStore(*call.database);
    IMMUDB_RETURN_IF_ERROR(store);
    call.open_store = *std::move(store);
    return Status::Ok();
  });
  if (!opened.ok()) return Completion{call}(opened);
  Run(method, call, request, response);
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
