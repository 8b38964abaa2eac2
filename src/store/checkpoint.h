// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/file_system.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "vlog/frame.h"

namespace immudb {

// A state of the store that everybody may see: the tree of `size` leaves with root `root`, whose
// last entry's frame ends at `log_end`.
struct PublishedState {
  TreeSize size;
  Digest root{};
  LogPosition log_end;
};

// The file CHECKPOINT: a published state up to which log, tree and positions are on stable storage.
// Recovery starts there, and holds later states against it.

// Replaces the checkpoint atomically.
Status WriteCheckpoint(FileSystem& fs, const std::string& path, const PublishedState& state);

// Nothing if there is none, or if it is damaged (then everything is derived again from the log).
Result<std::optional<PublishedState>> ReadCheckpoint(FileSystem& fs, const std::string& path);

}  // namespace immudb
