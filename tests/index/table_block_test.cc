// SPDX-License-Identifier: Apache-2.0
//
// The reader of blocks that nobody vouches for: whatever their bytes are, it comes to an end and
// gives nothing that is not in them.
#include "index/table_block.h"

#include <gtest/gtest.h>
#include <lz4.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/varint.h"

namespace immudb {
namespace {

using Records = std::vector<std::pair<std::string, std::string>>;

// As RocksDB lays a block out, with one restart point.
std::string Plain(const Records& records) {
  std::string block;
  std::string last;
  for (const auto& [key, value] : records) {
    uint32_t shared = 0;
    while (shared < last.size() && shared < key.size() && last[shared] == key[shared]) ++shared;
    AppendVarint(block, shared);
    AppendVarint(block, static_cast<uint32_t>(key.size()) - shared);
    AppendVarint(block, static_cast<uint32_t>(value.size()));
    block += key.substr(shared) + value;
    last = key;
  }
  char tail[8];
  StoreLE(tail, uint32_t{0});
  StoreLE(tail + 4, uint32_t{1});
  return block.append(tail, sizeof(tail));
}

std::string Compressed(const std::string& plain) {
  std::string block;
  AppendVarint(block, static_cast<uint32_t>(plain.size()));
  std::string bytes(static_cast<size_t>(::LZ4_compressBound(static_cast<int>(plain.size()))), 0);
  const int size = ::LZ4_compress_default(
      plain.data(), bytes.data(), static_cast<int>(plain.size()), static_cast<int>(bytes.size()));
  return block + bytes.substr(0, static_cast<size_t>(size));
}

Records Visit(const std::string& block, char type) {
  Records found;
  VisitBlock(block, type, [&](std::string_view key, std::string_view value) {
    found.emplace_back(key, value);
    return true;
  });
  return found;
}

Records SomeRecords() {
  Records records;
  for (int i = 0; i < 60; ++i) {
    records.emplace_back("invoice-" + std::to_string(1000 + i), "value " + std::to_string(i * i));
  }
  return records;
}

TEST(TableBlock, GivesTheRecordsOfASoundBlock) {
  const Records records = SomeRecords();
  EXPECT_EQ(Visit(Plain(records), kPlainBlock), records);
  EXPECT_EQ(Visit(Compressed(Plain(records)), kLz4Block), records);
  EXPECT_TRUE(Visit("", kPlainBlock).empty());
  EXPECT_TRUE(Visit(Plain(records), 7).empty()) << "of a type that we do not write";
}

TEST(TableBlock, EndsWhenTheVisitorHasSeenEnough) {
  int seen = 0;
  VisitBlock(Plain(SomeRecords()), kPlainBlock,
             [&](std::string_view, std::string_view) { return ++seen < 3; });
  EXPECT_EQ(seen, 3);
}

TEST(TableBlock, TheRecordsBeforeAFlippedByteAreGiven) {
  const Records records = SomeRecords();
  std::string block = Plain(records);
  const size_t at = block.find("value 900");
  block[at] = 'V';
  const Records found = Visit(block, kPlainBlock);
  ASSERT_EQ(found.size(), records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(found[i] == records[i], i != 30) << i;
  }
}

TEST(TableBlock, SurvivesAnyBytes) {
  std::mt19937_64 random(7);
  for (const bool compressed : {false, true}) {
    const std::string sound = compressed ? Compressed(Plain(SomeRecords())) : Plain(SomeRecords());
    for (int round = 0; round < 20'000; ++round) {
      std::string block = sound;
      for (uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
        block[random() % block.size()] = static_cast<char>(random());
      }
      if (random() % 4 == 0) block.resize(random() % block.size());
      size_t bytes = 0;
      for (const auto& [key, value] : Visit(block, compressed ? kLz4Block : kPlainBlock)) {
        bytes += value.size();
      }
      EXPECT_LE(bytes, size_t{16} << 20);
    }
  }
}

}  // namespace
}  // namespace immudb
