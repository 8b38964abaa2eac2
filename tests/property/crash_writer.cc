// SPDX-License-Identifier: Apache-2.0
//
// Writes to a store until it is killed, and tells on standard output what was acknowledged, one
// line a transaction:
//
//     <number of the transaction> <index of its first entry> <size of a tree with it> <root, hex>
//
// Usage: crash_writer DIRECTORY FIRST_NUMBER sync|nosync
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "immudb/store.h"
#include "support/workload.h"

namespace immudb::testing {
namespace {

constexpr uint64_t kThreads = 3;
constexpr int kAsynchronous = 16;

void Tell(const Store& store, uint64_t number, const Result<CommitInfo>& info) {
  if (!info.ok()) {
    std::fprintf(stderr, "transaction %ju: %s\n", static_cast<uintmax_t>(number),
                 info.status().ToString().c_str());
    std::_Exit(1);
  }
  const Snapshot snapshot = store.Latest();
  const std::string line = std::to_string(number) + " " + std::to_string(info->first.value) + " " +
                           std::to_string(snapshot.size().value) + " " + ToHex(snapshot.root()) +
                           "\n";
  // A short write to a pipe is whole or not at all.
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
}

// Keeps several transactions under way at once.
void WriteAsynchronously(Store& store, uint64_t first) {
  std::atomic<int> under_way{0};
  for (uint64_t number = first;; number += kThreads) {
    under_way.wait(kAsynchronous);
    ++under_way;
    store.CommitAsync(WorkloadTransaction(number),
                      [&store, &under_way, number](const Result<CommitInfo>& info) {
                        Tell(store, number, info);
                        --under_way;
                        under_way.notify_one();
                      });
  }
}

int Run(const std::string& directory, uint64_t first, bool sync) {
  StoreOptions options;
  options.sync = sync;
  options.segment_bytes = 512 << 10;
  options.checkpoint_entries = 700;
  options.write_buffer_bytes = 64 << 10;
  const auto store = Store::Open(directory, options);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    return 1;
  }
  std::vector<std::thread> writers;
  writers.emplace_back([&] { WriteAsynchronously(**store, first); });
  for (uint64_t t = 1; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (uint64_t number = first + t;; number += kThreads) {
        Tell(**store, number, (*store)->Commit(WorkloadTransaction(number)));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  return 0;
}

}  // namespace
}  // namespace immudb::testing

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return immudb::testing::Run(argv[1], std::strtoull(argv[2], nullptr, 10),
                              std::string_view(argv[3]) == "sync");
}
