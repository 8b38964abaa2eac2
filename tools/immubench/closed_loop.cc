// SPDX-License-Identifier: Apache-2.0
#include "immubench/closed_loop.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>

namespace immudb::bench {

Measurement Recorder::Summarise(double seconds) {
  Measurement result;
  result.operations = nanoseconds_.size();
  result.failures = failures_;
  result.seconds = seconds;
  if (nanoseconds_.empty()) return result;
  std::sort(nanoseconds_.begin(), nanoseconds_.end());
  const auto at = [this](double q) {
    const auto i = static_cast<size_t>(q * static_cast<double>(nanoseconds_.size() - 1));
    return static_cast<double>(nanoseconds_[i]) / 1000.0;
  };
  result.p50_us = at(0.50);
  result.p99_us = at(0.99);
  return result;
}

Measurement RunClosedLoop(size_t in_flight, double seconds,
                          const std::function<void(uint64_t i, Done done)>& issue) {
  Recorder recorder;
  std::atomic<uint32_t> outstanding{0};
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                               std::chrono::duration<double>(seconds));
  uint64_t i = 0;
  for (; std::chrono::steady_clock::now() < end; ++i) {
    uint32_t now = outstanding.load();
    while (now >= in_flight) {
      outstanding.wait(now);
      now = outstanding.load();
    }
    ++outstanding;
    const auto start = std::chrono::steady_clock::now();
    issue(i, [&, start](bool ok) {
      recorder.Add(start, ok);
      --outstanding;
      outstanding.notify_one();
    });
  }
  for (uint32_t left = outstanding.load(); left != 0; left = outstanding.load()) {
    outstanding.wait(left);
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  return recorder.Summarise(elapsed.count());
}

void PrintHeader(const std::string& title) {
  fmt::print("\n{}\n{:<14} {:>9} {:>12} {:>13} {:>10} {:>10} {:>8}\n", title, "operation",
             "in flight", "op/s", "entries/s", "p50 us", "p99 us", "of echo");
}

void PrintResult(const std::string& name, size_t in_flight, size_t unit_per_operation,
                 const Measurement& result, double reference) {
  const double rate = result.PerSecond();
  fmt::print("{:<14} {:>9} {:>12.0f} {:>13.0f} {:>10.1f} {:>10.1f} {:>8}{}\n", name, in_flight,
             rate, rate * static_cast<double>(unit_per_operation), result.p50_us, result.p99_us,
             reference > 0 ? fmt::format("{:.2f}", rate / reference) : "-",
             result.failures > 0 ? fmt::format("  {} FAILED", result.failures) : "");
  std::fflush(stdout);
}

std::string Key(uint64_t i) {
  return fmt::format("key{:013}", i);
}

std::string Value() {
  return std::string(32, 'v');
}

}  // namespace immudb::bench
