// SPDX-License-Identifier: Apache-2.0
//
// If one of these fails, a restart, a crash or a full disk changes what the tree proves.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "merkle/hash_tree.h"
#include "merkle/reference_tree.h"
#include "merkle/tree_fixture.h"

namespace immudb {
namespace {

using testing::MakeLeaves;
using testing::ReferenceTree;
using testing::Slice;

using HashTreeStorageTest = testing::TreeTest;

constexpr size_t kRecord = sizeof(Digest);

uint64_t FileBytes(uint64_t leaves) {
  return (2 * leaves - static_cast<uint64_t>(std::popcount(leaves))) * kRecord;
}

void ExpectSameTree(const HashTree& tree, ReferenceTree& reference, size_t size) {
  ASSERT_EQ(tree.size(), TreeSize{size});
  for (size_t n = 0; n <= size; ++n) {
    ASSERT_EQ(tree.Root(TreeSize{n}).value(), reference.Root(n)) << "root " << n << " of " << size;
  }
  for (size_t i = 0; i < size; ++i) {
    ASSERT_EQ(tree.Leaf(LeafIndex{i}).value(), reference.leaf(i)) << "leaf " << i << " of " << size;
  }
}

TEST_F(HashTreeStorageTest, StoresTheDocumentedFile) {
  // The picture in hash_tree.h: l0 l1 n01 l2 l3 n23 n03 l4.
  ReferenceTree reference(MakeLeaves(5));
  ASSERT_TRUE(OpenTree()->Append(MakeLeaves(5), nullptr).ok());
  const auto bytes = ReadFile(FileSystem::Real(), FilePath());
  ASSERT_TRUE(bytes.ok());
  const auto subtree = [](size_t begin, size_t end) {
    const auto leaves = MakeLeaves(5);
    return testing::RootByLevels({leaves.begin() + static_cast<ptrdiff_t>(begin),
                                  leaves.begin() + static_cast<ptrdiff_t>(end)});
  };
  std::string expected;
  for (const auto& [begin, end] : std::vector<std::pair<size_t, size_t>>{
           {0, 1}, {1, 2}, {0, 2}, {2, 3}, {3, 4}, {2, 4}, {0, 4}, {4, 5}}) {
    const Digest node = subtree(begin, end);
    expected.append(node.begin(), node.end());
  }
  EXPECT_EQ(*bytes, expected);
}

TEST_F(HashTreeStorageTest, GroupsOfAnySizeMakeTheSameTreeAcrossRestarts) {
  constexpr size_t kLeaves = 3000;
  const auto leaves = MakeLeaves(kLeaves);
  {
    const auto one_by_one = OpenTree("one_by_one");
    for (const Digest& leaf : leaves) ASSERT_TRUE(one_by_one->Append({&leaf, 1}, nullptr).ok());
  }
  std::mt19937 random(7);  // NOLINT: a failure must repeat
  auto tree = OpenTree();
  for (size_t done = 0; done < kLeaves;) {
    const size_t end = std::min(kLeaves, done + 1 + random() % (random() % 4 == 0 ? 300 : 9));
    ASSERT_TRUE(tree->Append(Slice(leaves, done, end), nullptr).ok());
    done = end;
    ASSERT_EQ(tree->size(), TreeSize{done});
    if (random() % 8 == 0) {
      ASSERT_TRUE(tree->Sync().ok());
      tree = OpenTree();
      ASSERT_EQ(tree->size(), TreeSize{done});
    }
  }
  ReferenceTree reference(leaves);
  ExpectSameTree(*tree, reference, kLeaves);
  const auto one_by_one = ReadFile(FileSystem::Real(), FilePath("one_by_one"));
  const auto in_groups = ReadFile(FileSystem::Real(), FilePath());
  ASSERT_TRUE(one_by_one.ok() && in_groups.ok());
  EXPECT_TRUE(*one_by_one == *in_groups);
}

TEST_F(HashTreeStorageTest, AFileCutAnywhereInItsLastLeafReopensWithoutThatLeaf) {
  constexpr size_t kLeaves = 33;
  const auto leaves = MakeLeaves(kLeaves);
  ReferenceTree reference(leaves);
  for (size_t n = 1; n <= kLeaves; ++n) {
    for (uint64_t bytes = FileBytes(n - 1); bytes < FileBytes(n); ++bytes) {
      SCOPED_TRACE(std::to_string(n) + " leaves cut to " + std::to_string(bytes) + " bytes");
      const std::string name = "cut" + std::to_string(bytes);
      ASSERT_TRUE(OpenTree(name)->Append(Slice(leaves, 0, n), nullptr).ok());
      ASSERT_EQ(std::filesystem::file_size(FilePath(name)), FileBytes(n));
      std::filesystem::resize_file(FilePath(name), bytes);

      const auto tree = OpenTree(name);
      ASSERT_EQ(tree->size(), TreeSize{n - 1});
      ASSERT_EQ(tree->Root(TreeSize{n - 1}).value(), reference.Root(n - 1));
      // And the tree goes on as if nothing had happened.
      ASSERT_TRUE(tree->Append(Slice(leaves, n - 1, kLeaves), nullptr).ok());
      ASSERT_EQ(tree->Root(TreeSize{kLeaves}).value(), reference.Root(kLeaves));
      ASSERT_EQ(tree->Root(TreeSize{n}).value(), reference.Root(n));
      std::filesystem::remove(FilePath(name));
    }
  }
}

TEST_F(HashTreeStorageTest, ATruncatedTreeTakesOtherLeaves) {
  constexpr size_t kLeaves = 70;
  const auto leaves = MakeLeaves(kLeaves);
  for (size_t keep = 0; keep <= kLeaves; ++keep) {
    auto mixed = Slice(leaves, 0, keep);
    const auto others = MakeLeaves(kLeaves, "other");
    std::vector<Digest> expected(mixed.begin(), mixed.end());
    expected.insert(expected.end(), others.begin(), others.end());
    ReferenceTree reference(expected);

    const std::string name = "keep" + std::to_string(keep);
    auto tree = OpenTree(name);
    ASSERT_TRUE(tree->Append(leaves, nullptr).ok());
    ASSERT_TRUE(tree->Truncate(TreeSize{keep}).ok());
    ASSERT_EQ(std::filesystem::file_size(FilePath(name)), FileBytes(keep));
    ASSERT_EQ(tree->Root(TreeSize{keep}).value(), reference.Root(keep));
    ASSERT_TRUE(tree->Append(others, nullptr).ok());
    ExpectSameTree(*tree, reference, expected.size());
    tree = OpenTree(name);
    ExpectSameTree(*tree, reference, expected.size());
  }
}

// Passes everything on to the real file until it is told to tear writes.
class TearingFile : public File {
 public:
  TearingFile(std::unique_ptr<File> file, const bool* tear) : file_(std::move(file)), tear_(tear) {}

  Status WriteAt(uint64_t offset, std::string_view data) override {
    if (!*tear_) return file_->WriteAt(offset, data);
    // What a full disk does: a part of it gets through.
    static_cast<void>(file_->WriteAt(offset, data.substr(0, data.size() / 2)).ok());
    return Status::ResourceExhausted("disk full");
  }
  Result<size_t> ReadAt(uint64_t offset, char* buffer, size_t size) const override {
    return file_->ReadAt(offset, buffer, size);
  }
  Status SyncData() override { return file_->SyncData(); }
  Status Truncate(uint64_t size) override { return file_->Truncate(size); }
  Result<uint64_t> Size() const override { return file_->Size(); }
  int descriptor() const override { return file_->descriptor(); }

 private:
  std::unique_ptr<File> file_;
  const bool* tear_;
};

class TearingFileSystem : public FileSystem {
 public:
  bool tear = false;

  Result<std::unique_ptr<File>> Open(const std::string& path, Mode mode) override {
    auto file = Real().Open(path, mode);
    if (!file.ok()) return file.status();
    return std::unique_ptr<File>(std::make_unique<TearingFile>(*std::move(file), &tear));
  }
  Status CreateDirectory(const std::string& path) override { return Real().CreateDirectory(path); }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return Real().List(path);
  }
  Result<bool> Exists(const std::string& path) override { return Real().Exists(path); }
  Status Remove(const std::string& path) override { return Real().Remove(path); }
  Status RemoveTree(const std::string& path) override { return Real().RemoveTree(path); }
  Status Rename(const std::string& from, const std::string& to) override {
    return Real().Rename(from, to);
  }
  Status SyncDirectory(const std::string& path) override { return Real().SyncDirectory(path); }
  Result<uint64_t> FreeBytes(const std::string& path) override { return Real().FreeBytes(path); }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return Real().Lock(path);
  }
};

TEST_F(HashTreeStorageTest, AFailedAppendChangesNothingAndCanBeRepeated) {
  const auto leaves = MakeLeaves(90);
  ReferenceTree reference(leaves);
  TearingFileSystem fs;
  auto opened = HashTree::Open(fs, FilePath());
  ASSERT_TRUE(opened.ok());
  const auto tree = *std::move(opened);
  for (size_t done = 0; done < leaves.size(); done += 9) {
    fs.tear = true;
    const Status status = tree->Append(MakeLeaves(50, "lost"), nullptr);
    ASSERT_EQ(status.code(), StatusCode::kResourceExhausted);
    ASSERT_EQ(tree->size(), TreeSize{done});
    ASSERT_EQ(tree->Root(TreeSize{done}).value(), reference.Root(done));
    fs.tear = false;
    ASSERT_TRUE(tree->Append(Slice(leaves, done, done + 9), nullptr).ok());
  }
  ExpectSameTree(*tree, reference, leaves.size());
}

TEST_F(HashTreeStorageTest, AFileThatCannotBeOpenedIsReported) {
  const auto tree = HashTree::Open(FileSystem::Real(), FilePath("absent/tree"));
  ASSERT_FALSE(tree.ok());
  EXPECT_NE(tree.status().message().find("absent/tree"), std::string::npos);
}

}  // namespace
}  // namespace immudb
