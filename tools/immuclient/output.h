// SPDX-License-Identifier: Apache-2.0
//
// The blocks that immuclient prints, to the space those that scripts were written against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "immudb/client.h"

namespace immudb {

enum class ValueForm : uint8_t {
  kStructured,  // payload and time, if the value is a structured one; else as kRaw
  kRaw,         // the bytes; there is no time then
};

// "index:\t\t4 \nkey:\t\t..." with the leaf as hash; `verified` adds its line.
std::string ItemBlock(const Item& item, ValueForm form, std::optional<bool> verified);
// Only the value and a newline.
std::string ValueBlock(const Item& item, ValueForm form);
// "index:\t\t4\nhash:\t\t...\n".
std::string RootBlock(const TreeRoot& root);

// "2020-08-29 10:11:12 +0000 UTC", in the local zone.
std::string TimeText(uint64_t unix_seconds);

}  // namespace immudb
