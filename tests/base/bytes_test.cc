// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/printable.h"

namespace immudb {
namespace {

// The disk format is little-endian: another order would make every existing database unreadable.
TEST(BytesTest, LittleEndianIsWhatStandsOnDisk) {
  char bytes[8] = {};
  StoreLE(bytes, uint64_t{0x0102030405060708});
  EXPECT_EQ(ToHex(std::string_view(bytes, 8)), "0807060504030201");
  EXPECT_EQ(LoadLE<uint64_t>(bytes), 0x0102030405060708U);
  StoreLE(bytes, uint32_t{0xfffefdfc});
  EXPECT_EQ(ToHex(std::string_view(bytes, 4)), "fcfdfeff");
  EXPECT_EQ(LoadLE<uint32_t>(bytes), 0xfffefdfcU);
}

// Hashed integers are big-endian: another order changes every root.
TEST(BytesTest, BigEndianIsWhatIsHashed) {
  char bytes[8] = {};
  StoreBE64(bytes, 0x0102030405060708);
  EXPECT_EQ(ToHex(std::string_view(bytes, 8)), "0102030405060708");
  EXPECT_EQ(LoadBE64(bytes), 0x0102030405060708U);
}

TEST(BytesTest, BigEndianSortsAsNumbersDo) {
  std::string previous(8, '\0');
  for (const uint64_t n :
       {uint64_t{1}, uint64_t{255}, uint64_t{256}, uint64_t{1} << 40, ~uint64_t{0}}) {
    std::string next(8, '\0');
    StoreBE64(next.data(), n);
    EXPECT_LT(previous, next) << n;
    previous = next;
  }
}

TEST(BytesTest, HexShowsEveryBit) {
  EXPECT_EQ(ToHex(std::string_view("\x00\x7f\x80\xff", 4)), "007f80ff");
  EXPECT_EQ(ToHex(std::string_view()), "");
  const std::array<uint8_t, 2> digest{0xab, 0x01};
  EXPECT_EQ(ToHex(digest), "ab01");
  EXPECT_EQ(AsBytes(digest), "\xab\x01");
}

TEST(BytesTest, PrintableIsOneLineOfPlainText) {
  EXPECT_EQ(Printable("invoice-17, paid"), "invoice-17, paid");
  EXPECT_EQ(Printable("a\nb\"c\\d\x1b[31m"), "a\\x0ab\\x22c\\x5cd\\x1b[31m");
  EXPECT_EQ(Printable(std::string_view("\0\xff", 2)), "\\x00\\xff");
  EXPECT_EQ(Printable(std::string(300, 'k')), std::string(256, 'k') + "...");
}

}  // namespace
}  // namespace immudb
