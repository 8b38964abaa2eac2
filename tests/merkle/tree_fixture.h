// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "immudb/types.h"
#include "merkle/hash_tree.h"

namespace immudb::testing {

// A temporary directory with room for trees, removed with the test.
class TreeTest : public ::testing::Test {
 protected:
  TreeTest() {
    std::string name = (std::filesystem::temp_directory_path() / "merkle_XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) directory_ = name;
  }
  ~TreeTest() override {
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }

  void SetUp() override { ASSERT_FALSE(directory_.empty()); }

  std::string FilePath(const std::string& name = "tree") const {
    return (directory_ / name).string();
  }

  std::unique_ptr<HashTree> OpenTree(const std::string& name = "tree") {
    auto tree = HashTree::Open(FileSystem::Real(), FilePath(name));
    EXPECT_TRUE(tree.ok()) << tree.status().ToString();
    return tree.ok() ? *std::move(tree) : nullptr;
  }

 private:
  std::filesystem::path directory_;
};

// leaves[begin, end).
inline std::span<const Digest> Slice(const std::vector<Digest>& leaves, size_t begin, size_t end) {
  return std::span(leaves).subspan(begin, end - begin);
}

}  // namespace immudb::testing
