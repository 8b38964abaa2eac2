// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace immudb {

// Whether a read may wait for the disk. With kAtOnce it gives what is in memory, or fails with
// kUnavailable.
enum class ReadMode : uint8_t { kMayWait, kAtOnce };

}  // namespace immudb
