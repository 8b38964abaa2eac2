// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "base/fair_pool.h"
#include "base/thread_pool.h"
#include "immudb/status.h"
#include "server/call_context.h"
#include "server/database_opener.h"
#include "server/login_lane.h"
#include "server/method.h"

namespace immudb {

// Sees every call when it is taken and when it ends, on the threads that do so. For metrics and the
// request log. On the way of every call: it must not wait.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void OnBegin(const Method& /*method*/, const CallContext& /*call*/) {}
  // `took`: since it was taken; of a stream the whole call.
  virtual void OnEnd(const Method& method, const CallContext& call, const Status& status,
                     std::chrono::nanoseconds took) = 0;
};

// The one place that every call passes: it authorises the call, then has its handler run where the
// table says. The threads of each lane are shared among the users, or the addresses of those who
// are not logged in. Thread-safe. The destructor waits for the handlers that are queued.
class Dispatcher {
 public:
  // `services` and the observers outlive the dispatcher. One user has `reader_threads` threads for
  // long reads; there is one more, for the others.
  Dispatcher(const Services& services, size_t reader_threads, std::vector<CallObserver*> observers);

  // The front MUST call this once for each call that it takes, before anything else.
  void OnBegin(const Method& method, CallContext& call);

  // Whether the call would be handled, before its request has come. Dispatch() asks again.
  Status Check(const Method& method, CallContext& call) const;

  // Handles one call; it is ended through a Completion, at once or later. Does not wait.
  void Dispatch(const Method& method, CallContext& call, const Method::Message& request,
                Method::Message& response);

  // Continues a call on the pool of long reads. Never refused: whoever continues calls bounds how
  // many of them there are. Throws if memory is out.
  void Continue(const CallContext& call, std::function<void()> step);

  // The server stops: calls that wait for a thread end with kUnavailable instead of being handled.
  void Stop() { stopping_.store(true, std::memory_order_relaxed); }

  // The front MUST call this once for each call that it ends.
  void OnEnd(const Method& method, const CallContext& call, const Status& status);

 private:
  void Run(const Method& method, CallContext& call, const Method::Message& request,
           Method::Message& response);
  void RunAtOnce(const Method& method, CallContext& call, const Method::Message& request,
                 Method::Message& response);
  // Has a thread of the lane run the handler, or ends the call if too many wait for it.
  void Enqueue(FairPool& lane, const Method& method, CallContext& call,
               const Method::Message& request, Method::Message& response);
  void RunQueued(const Method& method, CallContext& call, const Method::Message& request,
                 Method::Message& response);
  void EnqueueLogin(const Method& method, CallContext& call, const Method::Message& request,
                    Method::Message& response);
  // Has the database of the call opened first, or ends the call.
  void OpenAndRun(const Method& method, CallContext& call, const Method::Message& request,
                  Method::Message& response);

  const Services& services_;
  const std::vector<CallObserver*> observers_;
  std::atomic<bool> stopping_{false};
  FairPool readers_;
  FairPool administration_;
  FairPool waiting_;  // point calls that the poller may not handle: they would wait for the disk
  LoginLane logins_;
  DatabaseOpener opener_;
};

}  // namespace immudb
