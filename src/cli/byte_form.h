// SPDX-License-Identifier: Apache-2.0
//
// Keys and values on a command line: bytes as text, hexadecimal or base64. All functions are pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

enum class ByteForm : uint8_t { kText, kHex, kBase64 };

// kText: the bytes themselves. Base64 is the standard alphabet, padded.
std::string ToForm(std::string_view bytes, ByteForm form);

// The bytes that `text` stands for. kInvalidArgument, naming `what` ("key") and not the text.
Result<std::string> FromForm(std::string_view text, ByteForm form, std::string_view what);

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view bytes);

}  // namespace immudb
