// SPDX-License-Identifier: Apache-2.0
#include "cli/byte_form.h"

#include <sodium.h>

#include <cstddef>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/bytes.h"

namespace immudb {
namespace {

std::optional<std::string> FromHex(std::string_view text) {
  std::string bytes(text.size() / 2, '\0');
  size_t length = 0;
  const char* end = nullptr;
  if (sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                     text.size(), nullptr, &length, &end) != 0 ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  return bytes;
}

// The length of the sequence that starts here; 0 if it is malformed.
size_t SequenceLength(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const uint8_t second = at(1);
  const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

}  // namespace

std::string ToForm(std::string_view bytes, ByteForm form) {
  if (form == ByteForm::kHex) return ToHex(bytes);
  if (form == ByteForm::kBase64) return EncodeBase64(bytes);
  return std::string(bytes);
}

Result<std::string> FromForm(std::string_view text, ByteForm form, std::string_view what) {
  if (form == ByteForm::kText) return std::string(text);
  auto bytes = form == ByteForm::kHex ? FromHex(text) : DecodeBase64(text);
  if (bytes) return *std::move(bytes);
  std::string message(what);
  message += form == ByteForm::kHex ? " is not hexadecimal" : " is not base64 (with padding)";
  return Status::InvalidArgument(std::move(message));
}

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = SequenceLength(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace immudb
