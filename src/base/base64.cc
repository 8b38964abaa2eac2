// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <openssl/evp.h>

#include <cstddef>

namespace immudb {
namespace {

// libcrypto counts in int. Whole groups of 3 bytes and 4 letters, so that pieces can be joined.
constexpr size_t kPieceGroups = size_t{1} << 20;

const unsigned char* Unsigned(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Unsigned(char* text) {
  return reinterpret_cast<unsigned char*>(text);
}

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  size_t length = 0;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, kPieceGroups * 3);
    // Writes a terminator too: where the string has its own.
    length += static_cast<size_t>(EVP_EncodeBlock(Unsigned(text.data() + length), Unsigned(piece),
                                                  static_cast<int>(piece.size())));
    bytes.remove_prefix(piece.size());
  }
  return text;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  size_t length = 0;
  for (size_t at = 0; at < text.size(); at += kPieceGroups * 4) {
    const auto piece = text.substr(at, kPieceGroups * 4);
    const int decoded = EVP_DecodeBlock(Unsigned(bytes.data() + length), Unsigned(piece),
                                        static_cast<int>(piece.size()));
    if (decoded < 0) return std::nullopt;
    length += static_cast<size_t>(decoded);
  }
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (length < padding) return std::nullopt;
  bytes.resize(length - padding);
  // libcrypto forgives blanks, padding within the text and stray bits.
  if (EncodeBase64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace immudb
