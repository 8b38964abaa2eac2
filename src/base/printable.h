// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace immudb {

// Bytes that somebody else chose as one line of plain ASCII for logs and messages: what cannot be
// printed, quotes and backslashes become \x0a; what is too long is cut.
inline std::string Printable(std::string_view bytes, size_t most = 256) {
  std::string text;
  for (const char c : bytes.substr(0, most)) {
    if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
      text += c;
    } else {
      text += "\\x" + ToHex({&c, 1});
    }
  }
  return bytes.size() > most ? text + "..." : text;
}

}  // namespace immudb
