// SPDX-License-Identifier: Apache-2.0
#include "cli/option_value.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/base64.h"

namespace immudb {
namespace {

using Value = std::variant<std::string, bool, int64_t>;

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr std::array<Unit, 10> kSizeUnits = {{{"", 1},
                                              {"b", 1},
                                              {"k", int64_t{1} << 10},
                                              {"kib", int64_t{1} << 10},
                                              {"m", int64_t{1} << 20},
                                              {"mib", int64_t{1} << 20},
                                              {"g", int64_t{1} << 30},
                                              {"gib", int64_t{1} << 30},
                                              {"t", int64_t{1} << 40},
                                              {"tib", int64_t{1} << 40}}};
constexpr int64_t kMicrosecondsPerMillisecond = 1000;
constexpr std::array<Unit, 5> kTimeUnits = {
    {{"us", 1}, {"ms", 1000}, {"s", 1'000'000}, {"m", 60'000'000}, {"h", 3'600'000'000}}};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<bool> ParseBool(std::string_view text) {
  const std::string word = Lower(text);
  if (word == "true" || word == "t" || word == "1" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "f" || word == "0" || word == "no" || word == "off") return false;
  return std::nullopt;
}

// Takes a leading run of digits off `text`.
std::optional<int64_t> TakeNumber(std::string_view* text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end == text->data()) return std::nullopt;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return number;
}

std::optional<int64_t> ParseInt(std::string_view text) {
  const auto number = TakeNumber(&text);
  return text.empty() ? number : std::nullopt;
}

template <size_t kCount>
std::optional<int64_t> Scale(int64_t number, std::string_view unit_name,
                             const std::array<Unit, kCount>& units) {
  for (const Unit& unit : units) {
    int64_t scaled = 0;
    if (unit.name != unit_name) continue;
    if (__builtin_mul_overflow(number, unit.factor, &scaled)) return std::nullopt;
    return scaled;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseSize(std::string_view text) {
  const auto number = TakeNumber(&text);
  if (!number || *number < 0) return std::nullopt;
  return Scale(*number, Lower(Trim(text)), kSizeUnits);
}

std::optional<int64_t> ParseDuration(std::string_view text) {
  if (text == "0") return 0;
  int64_t total = 0;
  bool any = false;
  while (!text.empty()) {
    const auto number = TakeNumber(&text);
    if (!number || *number < 0) return std::nullopt;
    const auto unit = text.substr(0, text.find_first_of("0123456789"));
    const auto part = Scale(*number, unit, kTimeUnits);
    if (!part || __builtin_add_overflow(total, *part, &total)) return std::nullopt;
    text.remove_prefix(unit.size());
    any = true;
  }
  return any ? std::optional(total) : std::nullopt;
}

Status Refuse(const OptionSpec& spec, std::string_view text, std::string_view origin,
              std::string_view why) {
  const std::string shown = spec.secret ? "the value" : '"' + std::string(text) + '"';
  return Status::InvalidArgument("option " + spec.name + " (" + std::string(origin) +
                                 "): " + shown + ' ' + std::string(why));
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string BoundText(const OptionSpec& spec, int64_t bound) {
  if (spec.type == OptionType::kSize) return std::to_string(bound) + " bytes";
  if (spec.type == OptionType::kDuration) return std::to_string(bound) + "ms";
  return std::to_string(bound);
}

struct Numeric {
  std::optional<int64_t> number;
  std::string_view wanted;
};

Numeric ParseNumeric(OptionType type, std::string_view text) {
  switch (type) {
    case OptionType::kSize:
      return {ParseSize(text), "is not a size, such as 64KiB or 32MiB"};
    case OptionType::kDuration:
      return {ParseDuration(text), "is not a duration, such as 500ms, 30s or 1h30m"};
    default:
      return {ParseInt(text), "is not a whole number"};
  }
}

}  // namespace

Result<Value> ParseOptionValue(const OptionSpec& spec, std::string_view text,
                               std::string_view origin) {
  if (spec.type == OptionType::kString) {
    if (!spec.choices.empty() && std::ranges::find(spec.choices, text) == spec.choices.end()) {
      return Refuse(spec, text, origin, "is not one of: " + Join(spec.choices));
    }
    return Value(std::string(text));
  }
  if (spec.type == OptionType::kBool) {
    const auto value = ParseBool(text);
    if (!value) return Refuse(spec, text, origin, "is neither true nor false");
    return Value(*value);
  }
  const auto [number, wanted] = ParseNumeric(spec.type, text);
  if (!number) return Refuse(spec, text, origin, wanted);
  const int64_t unit = spec.type == OptionType::kDuration ? kMicrosecondsPerMillisecond : 1;
  if (spec.min && *number < *spec.min * unit) {
    return Refuse(spec, text, origin, "is below " + BoundText(spec, *spec.min));
  }
  if (spec.max && *number > *spec.max * unit) {
    return Refuse(spec, text, origin, "is above " + BoundText(spec, *spec.max));
  }
  return Value(*number);
}

std::string_view ValueNoun(OptionType type) {
  switch (type) {
    case OptionType::kInt:
      return "number";
    case OptionType::kSize:
      return "size";
    case OptionType::kDuration:
      return "duration";
    case OptionType::kString:
      return "text";
    case OptionType::kBool:
      break;
  }
  return "";
}

Result<std::string> DecodePassword(std::string_view text) {
  constexpr std::string_view kPrefix = "enc:";
  text = Trim(text);
  if (!text.starts_with(kPrefix)) return std::string(text);
  text.remove_prefix(kPrefix.size());
  auto plain = DecodeBase64(text);
  if (plain) return *std::move(plain);
  return Status::InvalidArgument("the password after \"enc:\" is not base64");
}

}  // namespace immudb
