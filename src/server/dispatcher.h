// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>

#include "base/thread_pool.h"
#include "server/method.h"

namespace immudb {

// Sees every call when it is taken and when it ends, on the threads that do so. For metrics and the
// request log. On the way of every call: it must not wait.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  virtual void OnBegin(const Method& /*method*/, const CallContext& /*call*/) {}
  virtual void OnEnd(const Method& method, const CallContext& call, const Status& status) = 0;
};

// The one place that every call passes: it authorises the call, then has its handler run where the
// table says. Thread-safe. The destructor waits for the handlers that are queued.
class Dispatcher {
 public:
  // `services` and `observer` (may be null) outlive the dispatcher.
  Dispatcher(const Services& services, size_t reader_threads, CallObserver* observer);

  // The front MUST call this once for each call that it takes, before anything else.
  void OnBegin(const Method& method, CallContext& call);

  // Handles one call; it is ended through a Completion, at once or later. Does not wait.
  void Dispatch(const Method& method, CallContext& call, const Method::Message& request,
                Method::Message& response);

  // Goes on with a call on the pool of long reads. Never refused: whoever goes on bounds how many
  // such calls there are. Throws if memory is out.
  void Continue(std::function<void()> step) { readers_.Submit(std::move(step)); }

  // The front MUST call this once for each call that it ends.
  void OnEnd(const Method& method, const CallContext& call, const Status& status);

 private:
  void Run(const Method& method, CallContext& call, const Method::Message& request,
           Method::Message& response);
  void OpenAndRun(const Method& method, CallContext& call, const Method::Message& request,
                  Method::Message& response);

  const Services& services_;
  CallObserver* const observer_;
  ThreadPool readers_;
  ThreadPool logins_;
  ThreadPool openers_;  // opening a database may take its time
};

}  // namespace immudb
