// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace immudb {
namespace {

size_t Width(const std::string& cell) {
  return static_cast<size_t>(
      std::ranges::count_if(cell, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string Line(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < widths.size(); ++i) {
    const std::string& cell = i < cells.size() ? cells[i] : std::string();
    line += cell;
    line.append(widths[i] - Width(cell) + 2, ' ');
  }
  return line + '\n';
}

}  // namespace

std::string ToText(const TextTable& table) {
  if (table.rows.empty()) return {};
  size_t numbered = 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& cells : table.rows) {
    const bool continued = !rows.empty() && !cells.empty() && cells.front().empty();
    rows.push_back({continued ? "" : std::to_string(++numbered)});
    rows.back().insert(rows.back().end(), cells.begin(), cells.end());
  }
  std::vector<std::string> header = {std::string(std::to_string(numbered).size(), '#')};
  header.insert(header.end(), table.header.begin(), table.header.end());
  std::vector<size_t> widths(header.size());
  std::vector<std::string> dashes;
  for (size_t i = 0; i < header.size(); ++i) {
    widths[i] = Width(header[i]);
    for (const auto& row : rows) {
      if (i < row.size()) widths[i] = std::max(widths[i], Width(row[i]));
    }
    dashes.emplace_back(widths[i], '-');
  }
  const std::string ruler = Line(dashes, widths);
  std::string text = table.caption + '\n' + ruler + Line(header, widths) + ruler;
  for (const auto& row : rows) text += Line(row, widths);
  return text + ruler;
}

}  // namespace immudb
