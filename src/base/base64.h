// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace immudb {

// RFC 4648 section 4, with padding. Pure.
std::string EncodeBase64(std::string_view bytes);
// Nothing for any other text, also one with spaces or stray bits.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace immudb
