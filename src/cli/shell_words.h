// SPDX-License-Identifier: Apache-2.0
//
// A line typed into a shell of ours, as words; and what to offer for a word that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// Words stand between spaces and tabs. '...' takes everything as it is; in "..." a backslash takes
// the next " or \ as it is; outside of quotes it takes any character. Quoted parts may touch others
// ("a'b c'" is one word), and '' is an empty word. kInvalidArgument: a quote is not closed, or the
// line ends in a backslash.
Result<std::vector<std::string>> SplitShellWords(std::string_view line);

// The names that may have been meant: those within an edit distance of 2 (substitution, insertion,
// deletion) and those that start with the word, upper and lower case being the same. In the order
// of `names`, each once.
std::vector<std::string> SimilarNames(std::string_view word, std::span<const std::string> names);

}  // namespace immudb
