// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/collectable.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_histogram.h"
#include "immudb/status.h"
#include "server/call_context.h"
#include "server/dispatcher.h"
#include "server/method.h"
#include "server/status_mapping.h"

namespace immudb {

// How many calls each client made, and when it did so last. A client is an address; the first ones
// have places of their own, all later ones share one ("other"), so that nobody can fill the memory
// or the page. Thread-safe; known clients are counted without a lock.
class ClientCounts {
 public:
  static constexpr size_t kMaxClients = 256;

  void Count(std::string_view address);

  struct Client {
    std::string address;
    uint64_t calls = 0;
    double last_call = 0;  // Unix time, seconds
  };
  std::vector<Client> Read() const;

 private:
  struct Place {
    std::atomic<bool> taken{false};  // then `address` never changes
    std::string address;
    std::atomic<uint64_t> calls{0};
    std::atomic<int64_t> last_ms{0};
  };
  static constexpr size_t kPlaces = 4 * kMaxClients;  // so that probes are short

  Place& Find(std::string_view address);

  std::array<Place, kPlaces> places_;
  Place other_;
  std::mutex mutex_;
  size_t clients_ = 0;  // guarded by mutex_
};

// Counts every call: the families grpc_server_* and those of the clients, as the original named
// them. On the way of a call: some relaxed additions, and the name of its peer. Thread-safe.
class CallMetrics final : public CallObserver, public prometheus::Collectable {
 public:
  // Without histograms there are no durations on the page.
  explicit CallMetrics(bool histograms);

  void OnBegin(const Method& method, const CallContext& call) override;
  void OnEnd(const Method& method, const CallContext& call, const Status& status,
             std::chrono::nanoseconds took) override;
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  static constexpr std::array<uint64_t, 11> kBounds = {
      5'000'000,   10'000'000,    25'000'000,    50'000'000,    100'000'000,   250'000'000,
      500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

  struct MethodCounts {
    std::string name;
    std::string service;
    bool streams = false;
    std::atomic<uint64_t> started{0};
    std::atomic<uint64_t> sent{0};
    std::array<std::atomic<uint64_t>, kGrpcCodes> handled{};  // by code
    AtomicHistogram seconds{kBounds};                         // nanoseconds
  };

  // Null for a method that is not of the table.
  MethodCounts* Of(const Method& method) const;

  const bool histograms_;
  std::vector<std::unique_ptr<MethodCounts>> methods_;  // the first as in the method table
  ClientCounts clients_;
};

}  // namespace immudb
