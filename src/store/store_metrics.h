// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/atomic_histogram.h"

namespace immudb {

// What the stores of a process count, together, however often each is closed and opened. The write
// path adds to it once a group; reads of the log once a read. Thread-safe.
struct StoreMetrics {
  using Count = std::atomic<uint64_t>;

  // Nanoseconds: from 50 us, a sync of a good disk, to 5 s.
  static constexpr std::array<uint64_t, 16> kWriteBounds = {
      50'000,      100'000,       250'000,       500'000,      1'000'000,   2'500'000,
      5'000'000,   10'000'000,    25'000'000,    50'000'000,   100'000'000, 250'000'000,
      500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000};
  static constexpr std::array<uint64_t, 14> kProofBounds = {
      500,     1'000,   2'500,   5'000,     10'000,    25'000,     50'000,
      100'000, 250'000, 500'000, 1'000'000, 5'000'000, 25'000'000, 100'000'000};
  static constexpr std::array<uint64_t, 11> kGroupBounds = {
      1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576};

  Count transactions{0};  // published
  Count entries{0};       // published
  Count refused{0};       // because the write queue was full
  Count log_writes{0};    // groups of frames, one system call or more each
  Count log_written_bytes{0};
  Count log_reads{0};                    // entries, or keys of entries, that came from the log
  AtomicHistogram commit{kWriteBounds};  // ns; of each group, that of its oldest transaction
  AtomicHistogram group{kGroupBounds};   // entries that were written together
  AtomicHistogram sync{kWriteBounds};    // ns; fdatasync of the log
  AtomicHistogram proof{kProofBounds};   // ns; an inclusion or consistency path
};

}  // namespace immudb
