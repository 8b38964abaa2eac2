// SPDX-License-Identifier: Apache-2.0
//
// If one of these fails, no client of the original can verify what this server stores.
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>

#include "immudb/verify.h"
#include "merkle/reference_tree.h"
#include "merkle/vectors.h"

namespace immudb {
namespace {

using testing::Bytes;
using testing::Hash;
using testing::Sha256;
using testing::Vectors;

TEST(LeafDigestTest, AnswersAsTheOriginalForKeysValuesAndIndicesOfAllSizes) {
  ASSERT_FALSE(Vectors()["digests"].empty());
  for (const auto& v : Vectors()["digests"]) {
    const LeafIndex index{std::stoull(v["index"].get<std::string>())};
    EXPECT_EQ(LeafDigest(index, Bytes(v["key"]), Bytes(v["value"])), Hash(v["digest"])) << v;
  }
  for (const auto& v : Vectors()["history_leaves"]) {
    const LeafIndex index{v["index"].get<uint64_t>()};
    EXPECT_EQ(LeafDigest(index, Bytes(v["key"]), Bytes(v["value"])), Hash(v["leaf"])) << v;
  }
}

TEST(LeafDigestTest, CoversEveryKindOfEntryOfARealSession) {
  ASSERT_FALSE(Vectors()["session"].empty());
  for (const auto& v : Vectors()["session"]) {
    const LeafIndex index{v["index"].get<uint64_t>()};
    EXPECT_EQ(LeafDigest(index, Bytes(v["hashed_key"]), Bytes(v["hashed_value"])), Hash(v["leaf"]))
        << v;
  }
}

TEST(LeafDigestTest, CoversStructuredValues) {
  // A Content message as any protobuf library writes it: absent fields leave no bytes.
  const auto varint = [](uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
    return bytes + static_cast<char>(value);
  };
  ASSERT_FALSE(Vectors()["structured_leaves"].empty());
  for (const auto& v : Vectors()["structured_leaves"]) {
    const auto timestamp = v["timestamp"].get<uint64_t>();
    const std::string payload = Bytes(v["payload"]);
    std::string content;
    if (timestamp != 0) content += '\x08' + varint(timestamp);
    if (!payload.empty()) content += '\x12' + varint(payload.size()) + payload;
    const LeafIndex index{v["index"].get<uint64_t>()};
    EXPECT_EQ(LeafDigest(index, Bytes(v["key"]), content), Hash(v["leaf"])) << v;
  }
}

TEST(LeafDigestTest, IsTheHashOfTheDocumentedBytesForAnyLength) {
  for (size_t key_bytes = 0; key_bytes <= 130; ++key_bytes) {
    for (const size_t value_bytes : {size_t{0}, size_t{1}, size_t{46}, size_t{47}, size_t{5000}}) {
      const std::string key(key_bytes, 'k');
      const std::string value(value_bytes, '\xff');
      std::string hashed(17, '\0');
      hashed[7] = 0x01;
      hashed[8] = 0x02;  // index 0x0102
      hashed[16] = static_cast<char>(key_bytes);
      hashed += key;
      hashed += value;
      EXPECT_EQ(LeafDigest(LeafIndex{0x0102}, key, value), Sha256(hashed));
    }
  }
}

TEST(NodeDigestTest, IsTheHashOfOneByteAndBothChildren) {
  const auto hashes = testing::MakeLeaves(40);
  for (size_t i = 0; i + 1 < hashes.size(); ++i) {
    std::string hashed(1, '\x01');
    hashed.append(hashes[i].begin(), hashes[i].end());
    hashed.append(hashes[i + 1].begin(), hashes[i + 1].end());
    EXPECT_EQ(NodeDigest(hashes[i], hashes[i + 1]), Sha256(hashed));
  }
}

TEST(EmptyTreeRootTest, IsTheHashOfNothing) {
  EXPECT_EQ(EmptyTreeRoot(), Hash(Vectors()["empty_tree_root"]));
  EXPECT_EQ(EmptyTreeRoot(), Sha256(""));
}

TEST(SortedSetKeyTest, KeepsTheBitsOfEveryScore) {
  ASSERT_FALSE(Vectors()["zkeys"].empty());
  for (const auto& v : Vectors()["zkeys"]) {
    const double score = std::strtod(v["score"].get<std::string>().c_str(), nullptr);
    const std::string key = Bytes(v["key"]);
    const std::string stored = SortedSetKey(Bytes(v["set"]), score, key);
    EXPECT_EQ(stored, Bytes(v["stored_key"])) << v;
    EXPECT_EQ(LeafDigest(LeafIndex{9}, stored, key), Hash(v["leaf_at_index_9"])) << v;
  }
}

}  // namespace
}  // namespace immudb
