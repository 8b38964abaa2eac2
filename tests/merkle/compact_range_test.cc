// SPDX-License-Identifier: Apache-2.0
#include "merkle/compact_range.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "immudb/verify.h"
#include "merkle/reference_tree.h"

namespace immudb {
namespace {

TEST(CompactRangeTest, HasTheRootsOfTheReferenceAndSurvivesItsText) {
  const auto leaves = testing::MakeLeaves(130);
  testing::ReferenceTree tree(leaves);
  CompactRange range;
  EXPECT_EQ(range.Root(), EmptyTreeRoot());
  for (size_t n = 1; n <= leaves.size(); ++n) {
    range.Append(leaves[n - 1]);
    EXPECT_EQ(range.Root(), tree.Root(n));
    const auto again = CompactRange::FromText(range.Text());
    ASSERT_TRUE(again);
    range = *again;
  }
  for (const char* wrong : {"", "1", "1:", "0:ab", "x:", "18446744073709551615:", "-1:"}) {
    EXPECT_FALSE(CompactRange::FromText(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace immudb
