// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "immuadmin/dump_file.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"

namespace immudb {

// A dump file that was checked, and how its records are found by index: records stand in the order
// of their keys, but are to be written in that of their indices. Takes 16 bytes of memory an entry.
// Not thread-safe.
//
// In dumps of the original all entries of a batch have the version of the last one; which index
// each has follows from the leaves of the tree, which the dump holds too.
class LoadPlan {
 public:
  using ShowProgress = std::function<void(uint64_t done, uint64_t total)>;  // bytes

  // Reads the file twice. kDataLoss: it is cut, its entries do not lead to its tree, or one is
  // missing.
  static Result<std::unique_ptr<LoadPlan>> Make(const std::string& path, const ShowProgress& show);

  TreeSize size() const { return {places_.size()}; }
  // Derived from the entries; for an empty dump that of the empty tree.
  const Digest& root() const { return root_; }
  // Precondition: index < size().
  Result<pb::KV> Entry(LeafIndex index);

 private:
  // Offsets + 1; 0: none. A leaf's upper bits are of the hash of its key.
  struct Place {
    uint64_t leaf = 0;
    uint64_t entry = 0;
  };

  LoadPlan() = default;
  Status ReadLeaves(const ShowProgress& show);
  Status ReadEntries(const ShowProgress& show);
  Status DeriveRoot();
  Result<Place*> PlaceOf(uint64_t index);
  Result<bool> IsLeafOf(const Place& place, LeafIndex index, const pb::KV& record);
  Result<uint64_t> IndexOf(const pb::KV& record);
  Result<Digest> LeafHash(const Place& place);

  std::unique_ptr<DumpReader> scan_;
  std::unique_ptr<DumpReader> random_;
  std::vector<Place> places_;
  std::vector<std::pair<uint64_t, Digest>> tops_;  // by layer: version and hash of the first node
  Digest root_{};
};

// Writes all entries in the order of their indices into the selected database, which must be empty
// (kFailedPrecondition), and compares its root with that of the plan (kDataLoss). After another
// error the database holds a part of the entries.
Status LoadInto(Client* client, LoadPlan* plan, const std::function<Status(uint64_t)>& progress);

}  // namespace immudb
