// SPDX-License-Identifier: Apache-2.0
#include "vlog/frame.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "immudb/verify.h"

namespace immudb {
namespace {

std::string Encode(const EntryView& entry) {
  std::string bytes;
  AppendEntry(bytes, entry);
  return bytes;
}

// The bytes of each bit flip of `bytes`, one after another.
template <typename F>
void ForEachFlippedBit(const std::string& bytes, const F& visit) {
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    visit(flipped, bit);
  }
}

// What was stored must come back byte for byte, whatever its lengths need as varints.
TEST(EntryEncodingTest, RoundTrips) {
  for (const size_t key_bytes : {1, 127, 128, 16383, 16384, 65000}) {
    for (const size_t value_bytes : {0, 1, 127, 128, 16384, 3'000'000}) {
      const std::string key(key_bytes, 'k');
      const std::string value(value_bytes, '\0');
      for (const EntryKind kind : {EntryKind::kValue, EntryKind::kReference}) {
        std::string bytes = Encode({kind, key, value, 0});
        ASSERT_EQ(EntryBytes(bytes), bytes.size());
        bytes += "what follows";
        const auto entry = DecodeEntry(bytes);
        ASSERT_TRUE(entry);
        EXPECT_EQ(entry->kind, kind);
        EXPECT_TRUE(entry->key == key);
        EXPECT_TRUE(entry->value == value);
      }
    }
  }
}

TEST(EntryEncodingTest, LengthIsKnownFromTheHeaderAlone) {
  const std::string bytes =
      Encode({EntryKind::kValue, std::string(65000, 'k'), std::string(size_t{5} << 20, 'v'), 0});
  EXPECT_EQ(EntryBytes(std::string_view(bytes).substr(0, kMaxEntryHeaderBytes)), bytes.size());
}

// The member's key is hashed as the value too, but stands on disk once.
TEST(EntryEncodingTest, ValueOfASortedSetMemberIsTheTailOfItsKey) {
  const std::string key = SortedSetKey("the set", -1.5, "member");
  const std::string bytes = Encode({EntryKind::kSortedSetMember, key, "member", 7});
  EXPECT_LT(bytes.size(), key.size() + 6 + kMaxEntryHeaderBytes);
  const auto entry = DecodeEntry(bytes);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->key, key);
  EXPECT_EQ(entry->value, "member");
  EXPECT_EQ(entry->set_bytes, 7U);
  EXPECT_EQ(EntryBytes(bytes), bytes.size());
}

// A wrong answer that looks right is the one thing this database must never give.
TEST(EntryEncodingTest, EachFlippedBitIsNoticed) {
  const std::string key = SortedSetKey("set", 2.0, "member");
  for (const std::string& bytes : {Encode({EntryKind::kValue, "key", std::string(200, 'v'), 0}),
                                   Encode({EntryKind::kReference, "name", "key", 0}),
                                   Encode({EntryKind::kSortedSetMember, key, "member", 3})}) {
    // More bytes follow, so that an entry which became longer is not merely cut.
    ForEachFlippedBit(bytes, [&](const std::string& flipped, size_t bit) {
      EXPECT_FALSE(DecodeEntry(flipped + std::string(100'000, 'x'))) << "bit " << bit;
    });
  }
}

TEST(EntryEncodingTest, CutEntriesAreNoticed) {
  const std::string bytes = Encode({EntryKind::kValue, "key", std::string(200, 'v'), 0});
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(DecodeEntry(std::string_view(bytes).substr(0, n))) << n;
  }
}

TEST(EntryEncodingTest, GarbageIsNeitherAnEntryNorACrash) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 64, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (bytes.size() > 4) bytes[4] = static_cast<char>(random() % 4);  // often a known kind
    static_cast<void>(EntryBytes(bytes));
    EXPECT_FALSE(DecodeEntry(bytes));
  }
}

FrameHeader SomeHeader() {
  FrameHeader header;
  header.entry_count = 3;
  header.body_bytes = 4711;
  header.unsynced_bytes = 65536;
  header.first_index = uint64_t{1} << 41;
  header.body_checksum = BodyChecksum("body");
  return header;
}

TEST(FrameHeaderTest, RoundTrips) {
  char bytes[kFrameHeaderBytes];
  EncodeFrameHeader(SomeHeader(), 9, bytes);
  const auto header = DecodeFrameHeader({bytes, sizeof(bytes)}, 9);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->entry_count, 3U);
  EXPECT_EQ(header->body_bytes, 4711U);
  EXPECT_EQ(header->unsynced_bytes, 65536U);
  EXPECT_EQ(header->first_index, uint64_t{1} << 41);
  EXPECT_EQ(header->body_checksum, BodyChecksum("body"));
}

TEST(FrameHeaderTest, EachFlippedBitIsNoticed) {
  std::string bytes(kFrameHeaderBytes, '\0');
  EncodeFrameHeader(SomeHeader(), 9, bytes.data());
  ForEachFlippedBit(bytes, [](const std::string& flipped, size_t bit) {
    EXPECT_FALSE(DecodeFrameHeader(flipped, 9)) << "bit " << bit;
  });
  EXPECT_FALSE(DecodeFrameHeader(std::string_view(bytes).substr(1), 9)) << "cut";
}

// Recycled disk blocks and misplaced copies must not pass for data.
TEST(FrameHeaderTest, CopyInAnotherSegmentIsNotValid) {
  std::string bytes(kFrameHeaderBytes, '\0');
  EncodeFrameHeader(SomeHeader(), 9, bytes.data());
  EXPECT_FALSE(DecodeFrameHeader(bytes, 8));
}

TEST(FrameHeaderTest, FramesAreAligned) {
  for (size_t body = 0; body < 64; ++body) {
    EXPECT_EQ(FrameBytes(body) % kFrameAlignment, 0U);
    EXPECT_GE(FrameBytes(body), kFrameHeaderBytes + body);
    EXPECT_LT(FrameBytes(body), kFrameHeaderBytes + body + kFrameAlignment);
  }
}

TEST(SegmentHeaderTest, RoundTripsAndNoticesEachFlippedBit) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  EncodeSegmentHeader({42, uint64_t{1} << 40}, bytes.data());
  const auto header = DecodeSegmentHeader(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->segment, 42U);
  EXPECT_EQ(header->first_index, uint64_t{1} << 40);
  ForEachFlippedBit(bytes, [](const std::string& flipped, size_t bit) {
    EXPECT_FALSE(DecodeSegmentHeader(flipped)) << "bit " << bit;
  });
  EXPECT_FALSE(DecodeSegmentHeader(std::string_view(bytes).substr(0, 31)));
}

// A file of another format version must be refused, not misread.
TEST(SegmentHeaderTest, OtherVersionsAreRefused) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  EncodeSegmentHeader({0, 0}, bytes.data());
  bytes[8] = 2;
  EXPECT_FALSE(DecodeSegmentHeader(bytes));
}

TEST(LogPositionTest, PacksIntoEightBytes) {
  for (const LogPosition position : {LogPosition{0, 0}, LogPosition{1, 32},
                                     LogPosition{(1 << 24) - 1, (uint64_t{1} << 40) - 1}}) {
    EXPECT_EQ(LogPosition::Unpack(position.Packed()), position);
  }
}

}  // namespace
}  // namespace immudb
