// SPDX-License-Identifier: Apache-2.0
//
// A key that is changed on its way from the command line names another entry.
#include "cli/byte_form.h"

#include <gtest/gtest.h>

namespace immudb {
namespace {

TEST(ByteForm, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (size_t size : {0, 1, 2, 3, 256}) {
    const std::string part = bytes.substr(bytes.size() - size);
    for (const auto form : {ByteForm::kText, ByteForm::kHex, ByteForm::kBase64}) {
      EXPECT_EQ(*FromForm(ToForm(part, form), form, "key"), part);
    }
  }
  EXPECT_EQ(ToForm("k\xff", ByteForm::kHex), "6bff");
  EXPECT_EQ(ToForm("k\xff", ByteForm::kBase64), "a/8=");
  EXPECT_EQ(*FromForm("6BFF", ByteForm::kHex, "key"), "k\xff");
}

TEST(ByteForm, WhatIsNotThatFormIsRefusedByName) {
  for (const char* text : {"6", "6b6", "zz", "6b ", "0x6b"}) {
    const auto bytes = FromForm(text, ByteForm::kHex, "key");
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.status().message(), "key is not hexadecimal");
  }
  for (const char* text : {"a", "aw", "aw=", "a w==", "aw==x", "-_8="}) {
    EXPECT_FALSE(FromForm(text, ByteForm::kBase64, "value").ok()) << text;
  }
}

TEST(ByteForm, Utf8IsToldFromOtherBytes) {
  for (const char* text :
       {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  for (const char* text :
       {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(text));
  }
  EXPECT_TRUE(IsUtf8(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace immudb
