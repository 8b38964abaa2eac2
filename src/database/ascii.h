// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace immudb {

// Classes of characters that do not depend on the locale.
constexpr bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsPunctuation(char c) {
  return c > ' ' && c <= '~' && !IsLower(c) && !IsUpper(c) && !IsDigit(c);
}

constexpr bool IsAscii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

}  // namespace immudb
