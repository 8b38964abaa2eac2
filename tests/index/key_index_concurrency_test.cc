// SPDX-License-Identifier: Apache-2.0
//
// Readers beside the one writer: an answer at a published size never changes and is never partial.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "index/entry_log.h"
#include "index/key_index.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

TEST(KeyIndexConcurrencyTest, ReadersSeeWholePublishedSizesWhileGroupsAreApplied) {
  // Entry i is version i / kKeys of key i % kKeys, so every answer can be computed from the size.
  constexpr uint64_t kKeys = 40;
  constexpr uint64_t kEntries = 8'000;
  EntryLog log;
  for (uint64_t i = 0; i < kEntries; ++i) {
    log.Value("key" + std::to_string(i % kKeys), std::to_string(i));
  }
  const auto latest = [](uint64_t key, uint64_t size) {
    return (size - 1 - key) / kKeys * kKeys + key;
  };

  const TempDir dir;
  const auto index = OpenIndex(dir.File("index"), {.write_buffer_bytes = size_t{64} << 10});
  ASSERT_TRUE(log.ApplyTo(*index, 0, kKeys).ok());
  std::atomic<uint64_t> published{kKeys};
  std::atomic<bool> done{false};
  std::atomic<uint64_t> wrong{0};
  std::atomic<uint64_t> rounds{0};

  const auto read = [&](uint64_t seed) {
    for (uint64_t round = seed; !done; ++round, ++rounds) {
      const uint64_t size = published;
      const uint64_t key = round % kKeys;
      const std::string name = "key" + std::to_string(key);
      const Result<Version> version = index->Get(name, {size});
      wrong += !version.ok() || version->index.value != latest(key, size) ||
               version->value != std::to_string(latest(key, size));

      uint64_t expected = latest(key, size);
      uint64_t versions = 0;
      wrong += !index
                    ->History(name, {size},
                              [&](std::string_view, const Version& v) {
                                wrong += v.index.value != expected;
                                expected -= kKeys;
                                return ++versions < 5;
                              })
                    .ok();

      uint64_t listed = 0;
      wrong += !index
                    ->List({.reverse = round % 2 == 0}, {size},
                           [&](std::string_view k, const Version& v) {
                             const uint64_t number = std::stoull(std::string(k.substr(3)));
                             wrong += v.index.value != latest(number, size);
                             ++listed;
                             return true;
                           })
                    .ok();
      wrong += listed != kKeys;
    }
  };
  std::vector<std::thread> readers;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    readers.emplace_back(read, seed);
  }
  for (uint64_t i = kKeys; i < kEntries; i += 100) {
    const uint64_t through = std::min(i + 100, kEntries);
    EXPECT_TRUE(log.ApplyTo(*index, i, through).ok());
    published = through;
    if (i % 2'000 == kKeys) {
      EXPECT_TRUE(index->Flush().ok());
    }
  }
  while (rounds < 50 && wrong == 0) {
    std::this_thread::yield();
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace immudb::testing
