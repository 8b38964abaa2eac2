// SPDX-License-Identifier: Apache-2.0
#include "immuclient/output.h"

#include <array>
#include <ctime>
#include <limits>

#include "base/bytes.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

struct Shown {
  std::string value;
  std::optional<uint64_t> time;
};

Shown Show(const Item& item, ValueForm form) {
  if (form == ValueForm::kStructured) {
    auto decoded = DecodeStructured(item.value);
    if (decoded.ok()) return {std::move(decoded->payload), decoded->timestamp};
  }
  return {item.value, std::nullopt};
}

}  // namespace

std::string TimeText(uint64_t unix_seconds) {
  std::tm local{};
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::array<char, 64> text{};
  const bool shown = unix_seconds <= uint64_t{std::numeric_limits<int64_t>::max()} &&
                     ::localtime_r(&seconds, &local) != nullptr &&
                     std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z %Z", &local) > 0;
  return shown ? std::string(text.data()) : std::to_string(unix_seconds);
}

std::string ItemBlock(const Item& item, ValueForm form, std::optional<bool> verified) {
  const Shown shown = Show(item, form);
  const Digest leaf = LeafDigest(item.index, item.key, item.value);
  std::string text = "index:\t\t" + std::to_string(item.index.value) + " \n";
  text += "key:\t\t" + item.key + " \n";
  text += "value:\t\t" + shown.value + " \n";
  text += "hash:\t\t" + ToHex(leaf) + " \n";
  if (shown.time) text += "time:\t\t" + TimeText(*shown.time) + " \n";
  if (verified) text += std::string("verified:\t") + (*verified ? "true" : "false") + " \n";
  return text;
}

std::string ValueBlock(const Item& item, ValueForm form) {
  return Show(item, form).value + '\n';
}

std::string RootBlock(const TreeRoot& root) {
  return "index:\t\t" + std::to_string(root.index.value) + "\nhash:\t\t" + ToHex(root.hash) + '\n';
}

}  // namespace immudb
