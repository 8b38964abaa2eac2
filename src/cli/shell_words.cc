// SPDX-License-Identifier: Apache-2.0
#include "cli/shell_words.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <utility>

namespace immudb {
namespace {

constexpr size_t kLargestDistance = 2;

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// What stands after `*at`, which is moved; a backslash without anything behind it is no character.
bool TakeEscaped(std::string_view line, size_t* at, std::string* word) {
  if (*at + 1 >= line.size()) return false;
  *word += line[++*at];
  return true;
}

// From the opening quote at `*at` to the closing one, where `*at` then stands.
bool TakeQuoted(std::string_view line, size_t* at, std::string* word) {
  const char quote = line[*at];
  for (++*at; *at < line.size(); ++*at) {
    const char c = line[*at];
    if (c == quote) return true;
    const bool escape = quote == '"' && c == '\\' && *at + 1 < line.size() &&
                        (line[*at + 1] == '"' || line[*at + 1] == '\\');
    *word += escape ? line[++*at] : c;
  }
  return false;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({substituted, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

Result<std::vector<std::string>> SplitShellWords(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool any = false;  // a word has begun; it may be empty
  for (size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (IsBlank(c)) {
      if (std::exchange(any, false)) words.push_back(std::exchange(word, {}));
      continue;
    }
    any = true;
    if (c == '\\') {
      if (!TakeEscaped(line, &at, &word)) {
        return Status::InvalidArgument("the line ends in a backslash; write \\\\ for one");
      }
    } else if (c == '\'' || c == '"') {
      if (!TakeQuoted(line, &at, &word)) {
        return Status::InvalidArgument(std::string("quote ") + c + " is not closed; write \\" + c +
                                       " for the character itself");
      }
    } else {
      word += c;
    }
  }
  if (any) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> SimilarNames(std::string_view word, std::span<const std::string> names) {
  std::vector<std::string> similar;
  const std::string wanted = Lower(word);
  for (const auto& name : names) {
    const std::string lower = Lower(name);
    // Long words are far from every name; their distance need not be known.
    const bool near = wanted.size() <= lower.size() + kLargestDistance &&
                      EditDistance(wanted, lower) <= kLargestDistance;
    if (!near && !lower.starts_with(wanted)) continue;
    if (std::ranges::find(similar, name) == similar.end()) similar.push_back(name);
  }
  return similar;
}

}  // namespace immudb
