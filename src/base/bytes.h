// SPDX-License-Identifier: Apache-2.0
//
// Fixed-width integers in byte strings, and hexadecimal text. All functions are pure.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace immudb {

static_assert(std::endian::native == std::endian::little,
              "the disk format is written little-endian");

// Little-endian, the order of the disk format.
template <std::unsigned_integral T>
void StoreLE(char* out, T value) {
  std::memcpy(out, &value, sizeof(T));
}
template <std::unsigned_integral T>
T LoadLE(const char* in) {
  T value;
  std::memcpy(&value, in, sizeof(T));
  return value;
}

// Big-endian, the order of hashed bytes and of keys that must sort as numbers.
inline void StoreBE64(char* out, uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(out, &value, sizeof(value));
}
inline uint64_t LoadBE64(const char* in) {
  uint64_t value;
  std::memcpy(&value, in, sizeof(value));
  return __builtin_bswap64(value);
}

inline std::string_view AsBytes(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}
inline std::string ToHex(std::span<const uint8_t> bytes) {
  return ToHex(AsBytes(bytes));
}

}  // namespace immudb
