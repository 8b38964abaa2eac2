// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/collectable.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/line_limiter.h"
#include "immudb/status.h"
#include "server/call_context.h"
#include "server/dispatcher.h"
#include "server/method.h"

namespace immudb {

// Tells the log of calls, a line each: those that failed by a fault of ours or of the disk (error),
// those that were slow (warn), all others (debug). A line says who called what, and how it ended:
//
//     slow call id=18c9a1f40e2-1 method=Scan peer=127.0.0.1 user=immudb database=defaultdb code=OK
//     duration_ms=123.400
//
// At most kLinesPerSecond lines of slow calls are written a second, and as many of failed ones: an
// overload must not make its own log the next load. The others are counted, and told before the
// next line of their kind. The level debug asks for every call: then all are written.
//
//     suppressed calls kind=slow count=1234
//
// Nothing of a request or an answer is in it. `id` is the metadata x-request-id of the client, if
// that is at most 64 printable characters without spaces and quotes; else it is made here, when a
// line is written. A call without a line costs a comparison. Thread-safe.
class RequestLog final : public CallObserver, public prometheus::Collectable {
 public:
  static constexpr uint32_t kLinesPerSecond = 50;
  static constexpr std::chrono::milliseconds kLineInterval{1000 / kLinesPerSecond};

  // A call is slow if it takes longer than `slow`; 0: none is. `now` makes ids differ from those of
  // earlier processes.
  RequestLog(std::chrono::nanoseconds slow, std::chrono::system_clock::time_point now);

  void OnEnd(const Method& method, const CallContext& call, const Status& status,
             std::chrono::nanoseconds took) override;
  // How many were slow, whether their lines were written or not.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::string IdOf(const CallContext& call);

  const std::chrono::nanoseconds slow_;
  const std::string id_prefix_;
  std::atomic<uint64_t> ids_{0};
  std::atomic<uint64_t> slow_calls_{0};
  LineLimiter slow_lines_{kLinesPerSecond, kLineInterval};
  LineLimiter failed_lines_{kLinesPerSecond, kLineInterval};
};

}  // namespace immudb
