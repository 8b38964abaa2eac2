// SPDX-License-Identifier: Apache-2.0
#include "server/dispatcher.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "server/access_control.h"
#include "server/exception_barrier.h"

namespace immudb {
namespace {

constexpr size_t kMaxQueuedReads = 4096;
// One login takes about a tenth of a second: nobody waits much longer than some seconds.
constexpr size_t kMaxQueuedLogins = 32;

// Handlers that hand their Completion on do so last, and then return: what throws has not.
void Handle(const Method& method, CallContext& call, const Method::Message& request,
            Method::Message& response) {
  std::optional<Status> end;
  const Status guarded = RunGuarded([&] {
    end = method.handle(call, request, response);
    return Status::Ok();
  });
  if (!guarded.ok()) end = guarded;
  if (end) Completion{call}(*std::move(end));
}

}  // namespace

Dispatcher::Dispatcher(const Services& services, size_t reader_threads, CallObserver* observer)
    : services_(services),
      observer_(observer),
      readers_(std::max<size_t>(reader_threads, 1), kMaxQueuedReads),
      logins_(1, kMaxQueuedLogins) {}

void Dispatcher::Dispatch(const Method& method, CallContext& call, const Method::Message& request,
                          Method::Message& response) {
  const Status allowed = RunGuarded([&] { return Authorize(method, services_, call); });
  if (!allowed.ok()) return Completion{call}(allowed);
  if (method.run == RunOn::kPoller) return Handle(method, call, request, response);

  ThreadPool& pool = method.run == RunOn::kLogin ? logins_ : readers_;
  bool queued = false;
  const Status submitted = RunGuarded([&] {
    queued = pool.TrySubmit(
        [m = &method, c = &call, in = &request, out = &response] { Handle(*m, *c, *in, *out); });
    return Status::Ok();
  });
  if (!submitted.ok()) return Completion{call}(submitted);
  if (!queued) Completion{call}(Status::ResourceExhausted("too many calls are waiting, try later"));
}

void Dispatcher::OnEnd(const Method& method, const CallContext& call, const Status& status) {
  if (status.code() == StatusCode::kIoError || status.code() == StatusCode::kDataLoss ||
      status.code() == StatusCode::kInternal) {
    spdlog::error("{}: {}", method.name, status.ToString());
  }
  if (observer_ != nullptr) observer_->OnEnd(method, call, status);
}

}  // namespace immudb
