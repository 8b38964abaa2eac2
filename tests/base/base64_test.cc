// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace immudb {
namespace {

TEST(Base64, AnswersOfTheRfcBothWays) {
  const std::vector<std::pair<std::string, std::string>> known = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {std::string("\0\xFF\xFE", 3), "AP/+"},
      {std::string(3, '\0'), "AAAA"},
      {std::string(1, '\0'), "AA=="},
  };
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(EncodeBase64(bytes), text);
    EXPECT_EQ(DecodeBase64(text), bytes) << text;
  }
}

// A text that several decoders read differently is a way to smuggle something past a verifier.
TEST(Base64, OneTextForEachBytes) {
  for (const std::string text :
       {"Z",     "Zg",     "Zg=",          "Zg===",    "Zh==",     "Zm9=",     "=",
        "==",    "===",    "====",         "Z===",     "Zg==Zg==", "Zg==Zm9v", " Zm9v",
        "Zm9v ", "Zm9v\n", "Zm9v\n\n\n\n", "    Zm9v", "Zm 9v",    "Zm9v====", "Zm-_",
        "Zm9*",  "-",      "Zm9v-",        "Zm9v-AAA", "\n\n\n\n", "    ",     "Zm9v\xC3\xA9==",
        "Z=9v"}) {
    EXPECT_EQ(DecodeBase64(text), std::nullopt) << text;
  }
  EXPECT_EQ(DecodeBase64(std::string("Zm9v\0\0\0\0", 8)), std::nullopt);
}

TEST(Base64, EveryLengthComesBack) {
  std::string bytes;
  for (int i = 0; i < 400; ++i) {
    EXPECT_EQ(DecodeBase64(EncodeBase64(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

// More than is given to libcrypto at once.
TEST(Base64, PiecesAreJoined) {
  std::string bytes((size_t{3} << 20) + 7, 'x');
  bytes[size_t{3} << 20] = '\xFF';
  const std::string text = EncodeBase64(bytes);
  ASSERT_EQ(text.size(), (bytes.size() + 2) / 3 * 4);
  EXPECT_TRUE(DecodeBase64(text) == bytes);
  // Padding where two pieces meet.
  std::string padded = text;
  padded[(size_t{4} << 20) - 1] = '=';
  EXPECT_EQ(DecodeBase64(padded), std::nullopt);
}

}  // namespace
}  // namespace immudb
