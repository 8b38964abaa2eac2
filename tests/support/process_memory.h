// SPDX-License-Identifier: Apache-2.0
//
// What this process keeps in memory.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace immudb::testing {

// A sanitizer's shadow and quarantine would count, too.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryIsReal = false;
#else
inline constexpr bool kMemoryIsReal = true;
#endif

inline size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0;
  size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace immudb::testing
