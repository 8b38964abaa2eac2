// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/stats/metrics_page.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

namespace immudb {
namespace {

// Takes what stands before `end` off the line; nothing if `end` is not there.
std::optional<std::string_view> TakeUntil(std::string_view& line, char end) {
  const size_t at = line.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = line.substr(0, at);
  line.remove_prefix(at + 1);
  return taken;
}

// A quoted label value: \\, \" and \n are escapes.
std::optional<std::string> TakeQuoted(std::string_view& line) {
  if (line.empty() || line.front() != '"') return std::nullopt;
  std::string value;
  for (size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      line.remove_prefix(i + 1);
      return value;
    }
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      value += line[i] == 'n' ? '\n' : line[i];
    } else {
      value += line[i];
    }
  }
  return std::nullopt;
}

bool TakeLabels(std::string_view& line, Sample& sample) {
  while (!line.empty() && line.front() != '}') {
    const auto name = TakeUntil(line, '=');
    if (!name) return false;
    auto value = TakeQuoted(line);
    if (!value) return false;
    sample.labels.emplace(*name, *std::move(value));
    if (!line.empty() && line.front() == ',') line.remove_prefix(1);
  }
  if (line.empty()) return false;
  line.remove_prefix(1);
  return true;
}

std::optional<Sample> ParseSample(std::string_view line) {
  Sample sample;
  const size_t name_end = line.find_first_of("{ ");
  if (name_end == 0 || name_end == std::string_view::npos) return std::nullopt;
  sample.name = line.substr(0, name_end);
  const bool labelled = line[name_end] == '{';
  line.remove_prefix(name_end + 1);
  if (labelled && !TakeLabels(line, sample)) return std::nullopt;
  const std::string number(line);
  char* end = nullptr;
  sample.value = std::strtod(number.c_str(), &end);  // reads NaN and +Inf too
  if (end == number.c_str()) return std::nullopt;
  return sample;
}

}  // namespace

std::string_view Sample::Label(std::string_view label) const {
  const auto found = labels.find(label);
  return found == labels.end() ? std::string_view() : found->second;
}

Result<std::vector<Sample>> ParseMetricsPage(std::string_view text) {
  std::vector<Sample> samples;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    auto sample = ParseSample(line);
    if (!sample) {
      return Status::InvalidArgument("line " + std::to_string(number) +
                                     " of the metrics page cannot be understood");
    }
    samples.push_back(*std::move(sample));
  }
  return samples;
}

}  // namespace immudb
