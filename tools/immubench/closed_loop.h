// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace immudb::bench {

struct Measurement {
  uint64_t operations = 0;
  uint64_t failures = 0;
  double seconds = 0;
  double p50_us = 0;
  double p99_us = 0;
  double PerSecond() const { return seconds > 0 ? static_cast<double>(operations) / seconds : 0; }
};

// Collects the latencies of one run. Not thread-safe.
class Recorder {
 public:
  Recorder() { nanoseconds_.reserve(size_t{1} << 20); }
  void Add(std::chrono::steady_clock::time_point start, bool ok) {
    const auto elapsed = std::chrono::steady_clock::now() - start;
    nanoseconds_.push_back(static_cast<uint64_t>(elapsed.count()));
    if (!ok) ++failures_;
  }
  Measurement Summarise(double seconds);

 private:
  std::vector<uint64_t> nanoseconds_;
  uint64_t failures_ = 0;
};

// Keeps `in_flight` operations going for `seconds`. `issue(i, done)` starts operation number i and
// has `done(ok)` called once from any one thread at a time.
using Done = std::function<void(bool ok)>;
Measurement RunClosedLoop(size_t in_flight, double seconds,
                          const std::function<void(uint64_t i, Done done)>& issue);

// One line of the report. `unit_per_operation`: entries in a batch. `reference`: operations per
// second to compare with (0: none).
void PrintResult(const std::string& name, size_t in_flight, size_t unit_per_operation,
                 const Measurement& result, double reference);
void PrintHeader(const std::string& title);

// "key00000000000042": 16 bytes.
std::string Key(uint64_t i);
std::string Value();  // 32 bytes

}  // namespace immudb::bench
