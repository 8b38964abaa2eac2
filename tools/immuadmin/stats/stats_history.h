// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "immuadmin/stats/server_stats.h"

namespace immudb {

// What changed from one reading of a server to the next, for plots. Keeps so many steps; not
// thread-safe.
class StatsHistory {
 public:
  using Time = std::chrono::system_clock::time_point;

  struct Step {
    Time time;
    double reads_per_second = 0;
    double writes_per_second = 0;
    uint64_t entries = 0;
    uint64_t bytes = 0;  // LSM and value log
    uint64_t memory = 0;
  };
  // Of the calls between the last two readings; if there were none, latencies are those of all.
  struct CallRow {
    std::string method;
    uint64_t calls = 0;  // since the server started
    double per_second = 0;
    double p50_seconds = 0;
    double p99_seconds = 0;
  };

  explicit StatsHistory(size_t max_steps) : max_steps_(max_steps) {}

  void Add(Time time, ServerStats stats);

  bool empty() const { return steps_.empty(); }
  const std::deque<Step>& steps() const { return steps_; }
  const ServerStats& latest() const { return latest_; }
  // Methods that were ever called; the busiest first.
  std::vector<CallRow> CallRows() const;

 private:
  const size_t max_steps_;
  std::deque<Step> steps_;
  ServerStats latest_;
  ServerStats previous_;
  double seconds_between_ = 0;  // the last two readings
};

// The whole screen as lines of UTF-8, at most `height` of them, each at most `width` columns wide.
// `note` (may be empty) stands in the last line: why there is nothing newer. `blocks`: may bars be
// drawn with block characters, or only with ASCII?
std::vector<std::string> RenderStats(const StatsHistory& history, const std::string& server,
                                     const std::string& note, size_t width, size_t height,
                                     bool blocks);

}  // namespace immudb
