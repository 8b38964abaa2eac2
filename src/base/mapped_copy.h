// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace immudb {

// The kernel raises SIGBUS when a mapped page cannot be given: the file was cut off, or the disk
// cannot read it. PrepareMappedCopies() installs a handler, once for the process, that ends a
// CopyMapped() with false; every other SIGBUS goes to the handler that was there before.
// Thread-safe.
void PrepareMappedCopies();

// Copies `bytes` from a memory map of a file. False if the map cannot give them; `out` is undefined
// then. Costs a few nanoseconds more than memcpy. Precondition: PrepareMappedCopies() was called.
[[nodiscard]] bool CopyMapped(char* out, const char* mapped, size_t bytes);

}  // namespace immudb
