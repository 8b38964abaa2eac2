// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace immudb {

// How many observed values fell into which range, and their sum. Values are whole numbers
// (nanoseconds, entries). Thread-safe without locks: an observation is two relaxed additions. A
// reader may see one that is counted and not summed yet.
class AtomicHistogram {
 public:
  static constexpr size_t kMaxBounds = 23;

  // Ascending upper bounds, inclusive, which outlive the object.
  explicit AtomicHistogram(std::span<const uint64_t> bounds) : bounds_(bounds) {
    assert(bounds.size() <= kMaxBounds);
  }

  void Observe(uint64_t value) {
    const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    counts_[static_cast<size_t>(bound - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  void Observe(std::chrono::steady_clock::duration time) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
    Observe(static_cast<uint64_t>(std::max<int64_t>(ns, 0)));
  }

  struct Values {
    std::vector<uint64_t> cumulative;  // values up to each bound; the last one counts all
    uint64_t sum = 0;
  };
  Values Read() const {
    Values values;
    uint64_t count = 0;
    for (size_t i = 0; i <= bounds_.size(); ++i) {
      count += counts_[i].load(std::memory_order_relaxed);
      values.cumulative.push_back(count);
    }
    values.sum = sum_.load(std::memory_order_relaxed);
    return values;
  }
  std::span<const uint64_t> bounds() const { return bounds_; }

 private:
  const std::span<const uint64_t> bounds_;
  std::array<std::atomic<uint64_t>, kMaxBounds + 1> counts_{};
  std::atomic<uint64_t> sum_{0};
};

}  // namespace immudb
