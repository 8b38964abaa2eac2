// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace immudb {

// Decides which lines of a kind are written when strangers can cause as many as they like: `burst`
// lines at once, and one more each `interval`. Thread-safe; holds its lock over nothing else.
class LineLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LineLimiter(uint32_t burst, std::chrono::milliseconds interval)
      : burst_(burst), interval_(interval), left_(burst) {}

  struct Admitted {
    uint64_t suppressed;  // lines that were not written since the last one that was
    bool last;            // the next one is not written, unless an interval passes before it
  };

  // Nothing: the line is not written, only counted.
  std::optional<Admitted> Admit(Time now = std::chrono::steady_clock::now());

 private:
  const uint32_t burst_;
  const std::chrono::milliseconds interval_;

  std::mutex mutex_;
  // Guarded by mutex_:
  uint32_t left_;            // lines that may be written now
  Time filled_{};            // when `left_` was last added to
  uint64_t suppressed_ = 0;  // since the last line that was written
};

}  // namespace immudb
