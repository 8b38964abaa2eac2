// SPDX-License-Identifier: Apache-2.0
//
// If one of these fails, hashing on several threads or reading during a write changes a root. Meant
// to be run under ThreadSanitizer as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_pool.h"
#include "immudb/verify.h"
#include "merkle/hash_tree.h"
#include "merkle/reference_tree.h"
#include "merkle/tree_fixture.h"

namespace immudb {
namespace {

using testing::MakeLeaves;
using testing::RootByLevels;
using testing::Slice;

using HashTreeThreadsTest = testing::TreeTest;

TEST_F(HashTreeThreadsTest, AParallelAppendMakesTheSameFile) {
  constexpr size_t kLeaves = 150'000;
  const auto leaves = MakeLeaves(kLeaves);
  ThreadPool pool(3);
  // Starts and ends on, just before and just behind the borders of what one thread hashes.
  for (const size_t head : {0, 1, 1023, 1024, 1025, 5000, 65'536}) {
    for (const size_t end : {head + 4095, head + 4096, head + 5121, size_t{131'072}, kLeaves}) {
      SCOPED_TRACE("leaves " + std::to_string(head) + " to " + std::to_string(end));
      std::filesystem::remove(FilePath("sequential"));
      std::filesystem::remove(FilePath("parallel"));
      const auto sequential = OpenTree("sequential");
      const auto parallel = OpenTree("parallel");
      ASSERT_TRUE(sequential->Append(Slice(leaves, 0, end), nullptr).ok());
      ASSERT_TRUE(parallel->Append(Slice(leaves, 0, head), nullptr).ok());
      ASSERT_TRUE(parallel->Append(Slice(leaves, head, end), &pool).ok());
      const auto expected = ReadFile(FileSystem::Real(), FilePath("sequential"));
      const auto actual = ReadFile(FileSystem::Real(), FilePath("parallel"));
      ASSERT_TRUE(expected.ok() && actual.ok());
      ASSERT_TRUE(*expected == *actual);
    }
  }
}

TEST_F(HashTreeThreadsTest, ALargeTreeAcrossSeveralMapsHasTheDefinedRoots) {
  // One map of the file holds about a million leaves.
  constexpr size_t kLeaves = 1'100'000;
  const auto leaves = MakeLeaves(kLeaves);
  ThreadPool pool(3);
  auto tree = OpenTree();
  ASSERT_TRUE(tree->Append(Slice(leaves, 0, 333'333), &pool).ok());
  ASSERT_TRUE(tree->Append(Slice(leaves, 333'333, kLeaves), &pool).ok());
  tree = OpenTree();
  ASSERT_EQ(tree->size(), TreeSize{kLeaves});
  const TreeSize size{kLeaves};
  const Digest root = tree->Root(size).value();
  EXPECT_EQ(root, RootByLevels(leaves));
  for (const size_t n : {1UL, 333'333UL, 524'289UL, 1'048'575UL, 1'048'576UL, 1'048'577UL}) {
    const TreeSize past{n};
    const Digest past_root = tree->Root(past).value();
    const auto prefix = Slice(leaves, 0, n);
    EXPECT_EQ(past_root, RootByLevels({prefix.begin(), prefix.end()})) << n;
    EXPECT_TRUE(
        VerifyConsistency(past, past_root, size, root, tree->ConsistencyPath(past, size).value())
            .ok())
        << n;
    const LeafIndex last = past.Last();
    EXPECT_TRUE(VerifyInclusion(last, size, leaves[last.value],
                                tree->InclusionPath(last, size).value(), root)
                    .ok())
        << n;
  }
}

TEST_F(HashTreeThreadsTest, ReadersSeeRightRootsWhileTheTreeGrows) {
  constexpr size_t kLeaves = 60'000;
  const auto leaves = MakeLeaves(kLeaves);
  testing::ReferenceTree reference(leaves);
  std::vector<Digest> roots;
  for (size_t n = 0; n <= kLeaves; ++n) roots.push_back(reference.Root(n));

  const auto tree = OpenTree();
  std::atomic<uint64_t> published{0};
  std::atomic<int> wrong{0};
  std::atomic<int> readers_started{0};
  const auto read = [&](unsigned seed) {
    std::mt19937_64 random(seed);
    readers_started.fetch_add(1);
    for (uint64_t n = 0; n < kLeaves;) {
      n = published.load(std::memory_order_acquire);
      if (n == 0) {
        std::this_thread::yield();
        continue;
      }
      const TreeSize size{n};
      const TreeSize past{1 + random() % n};
      const LeafIndex index{random() % past.value};
      const bool right =
          tree->Root(size).value() == roots[n] && tree->Root(past).value() == roots[past.value] &&
          tree->Leaf(index).value() == leaves[index.value] &&
          VerifyInclusion(index, past, leaves[index.value],
                          tree->InclusionPath(index, past).value(), roots[past.value])
              .ok() &&
          VerifyConsistency(past, roots[past.value], size, roots[n],
                            tree->ConsistencyPath(past, size).value())
              .ok();
      if (!right) wrong.fetch_add(1);
    }
  };
  std::vector<std::thread> readers;
  for (unsigned seed = 1; seed <= 3; ++seed) readers.emplace_back(read, seed);
  while (readers_started.load() < 3) std::this_thread::yield();

  ThreadPool pool(2);
  std::mt19937 random(11);  // NOLINT: a failure must repeat
  for (size_t done = 0; done < kLeaves;) {
    const size_t group = random() % 64 == 0 ? 5000 : 1 + random() % 20;
    const size_t end = std::min(kLeaves, done + group);
    const Status status = tree->Append(Slice(leaves, done, end), &pool);
    EXPECT_TRUE(status.ok()) << status.ToString();
    done = end;  // also on failure: the readers wait for the last size
    published.store(done, std::memory_order_release);
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace immudb
