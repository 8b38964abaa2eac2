// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/history_file.h"
#include "cli/line_source.h"
#include "immudb/status.h"

namespace immudb {

// What may stand for the last `replaced` bytes before the cursor.
struct Completion {
  size_t replaced = 0;
  std::vector<std::string> candidates = {};
};

// Lines edited on the terminal that is stdin and stdout (libedit, keys of emacs; ~/.editrc is
// read). Arrow up brings earlier lines back, those of the history file too. Tab completes as far as
// the candidates agree, and lists them when they go on differently. Ctrl-C gives up the line,
// Ctrl-D on an empty one is the end. Between two calls of Next the terminal is as it was found.
//
// Not thread-safe; at most one at a time. LC_CTYPE of the process becomes the user's, or UTF-8
// where that is plain ASCII.
class LineEditor : public LineSource {
 public:
  // Asked with the text before the cursor.
  using Completer = std::function<Completion(std::string_view before_cursor)>;

  // kUnavailable: stdin and stdout are not both a terminal. A history file that cannot be read
  // counts as empty.
  static Result<std::unique_ptr<LineEditor>> Open(const std::string& program, HistoryFile history,
                                                  Completer complete);
  ~LineEditor() override;
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  Input Next(const std::string& prompt) override;
  // Also appends it to the history file, unless it is the one that was remembered last.
  void Remember(const std::string& line) override;

 private:
  class Impl;
  explicit LineEditor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace immudb
