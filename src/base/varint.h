// SPDX-License-Identifier: Apache-2.0
//
// Numbers in the base-128 encoding of Protocol Buffers: at most five bytes, low bits first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace immudb {

inline void AppendVarint(std::string& out, uint32_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

// Takes the number from the front of `in`; false if there is none.
inline bool ReadVarint(std::string_view& in, uint32_t& value) {
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 35 && !in.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    result |= uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) {
      value = static_cast<uint32_t>(result);
      return result <= UINT32_MAX;
    }
  }
  return false;
}

}  // namespace immudb
