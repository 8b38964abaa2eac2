// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>

#include "base/thread_pool.h"
#include "immubench/closed_loop.h"
#include "immubench/suites.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"

namespace immudb::bench {
namespace {

// A Set for each index not yet used.
Transaction MakeTransaction(uint64_t first, size_t entries) {
  Transaction transaction;
  const std::string value = Value();
  for (size_t i = 0; i < entries; ++i) {
    if (!transaction.Set(Key(first + i), value).ok()) std::abort();
  }
  return transaction;
}

class InProcess {
 public:
  InProcess(Store& store, const SuiteOptions& options) : store_(store), options_(options) {}

  void Writes(const std::string& name, size_t entries) {
    for (const size_t in_flight : options_.in_flight) {
      Print(name, in_flight, entries, [&](uint64_t, Done done) {
        store_.CommitAsync(MakeTransaction(next_key_, entries),
                           [done = std::move(done)](const Result<CommitInfo>& r) { done(r.ok()); });
        next_key_ += entries;
      });
    }
  }

  void SafeSets() {
    for (const size_t in_flight : options_.in_flight) {
      Print("SafeSet", in_flight, 1, [&](uint64_t, Done done) {
        store_.CommitAsync(MakeTransaction(next_key_, 1),
                           [this, done = std::move(done)](const Result<CommitInfo>& r) {
                             done(r.ok() && Prove(r->last));
                           });
        ++next_key_;
      });
    }
  }

  void Gets(const std::string& name, bool with_proof) {
    std::mt19937_64 random(42);
    std::uniform_int_distribution<uint64_t> key(0, kPrefilledKeys - 1);
    Print(name, 1, 1, [&](uint64_t, const Done& done) {
      const Snapshot snapshot = store_.Latest();
      const auto entry = snapshot.Get(Key(key(random)));
      bool ok = entry.ok();
      if (ok && with_proof) ok = snapshot.InclusionProof(entry->index).ok();
      done(ok);
    });
  }

  void Prefill() {
    for (size_t i = 0; i < kPrefilledKeys; i += kBatchEntries) {
      if (!store_.Commit(MakeTransaction(i, kBatchEntries)).ok()) std::abort();
    }
    next_key_ = kPrefilledKeys;
  }

  bool failed() const { return failed_; }

 private:
  // The proof of a write, in the tree that ends with it.
  bool Prove(LeafIndex index) const {
    const auto snapshot = store_.Latest().At(TreeEndingAt(index));
    return snapshot.ok() && snapshot->InclusionProof(index).ok() &&
           snapshot->ConsistencyProof({1}).ok();
  }

  void Print(const std::string& name, size_t in_flight, size_t entries,
             const std::function<void(uint64_t, Done)>& issue) {
    const Measurement result = RunClosedLoop(in_flight, options_.seconds, issue);
    failed_ = failed_ || result.failures > 0;
    PrintResult(name, in_flight, entries, result, 0);
  }

  Store& store_;
  const SuiteOptions& options_;
  uint64_t next_key_ = 0;
  bool failed_ = false;
};

}  // namespace

int RunInProcess(const SuiteOptions& options) {
  ThreadPool pool(1);
  StoreOptions store_options;
  store_options.sync = options.sync;
  store_options.pool = &pool;
  auto store = Store::Open(options.directory + "/in-process", store_options);
  if (!store.ok()) {
    fmt::print(stderr, "{}\n", store.status().message());
    return 1;
  }
  PrintHeader(fmt::format("in process, sequential keys of 16 bytes, values of 32 bytes, fsync {}",
                          options.sync ? "on" : "off"));
  InProcess suite(**store, options);
  suite.Prefill();
  suite.Writes("Set", 1);
  suite.Writes("SetBatch 1000", kBatchEntries);
  suite.Gets("Get", false);
  suite.SafeSets();
  suite.Gets("SafeGet", true);
  const Status closed = (*store)->Close();
  if (!closed.ok()) fmt::print(stderr, "{}\n", closed.message());
  return closed.ok() && !suite.failed() ? 0 : 1;
}

}  // namespace immudb::bench
