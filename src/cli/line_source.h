// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace immudb {

// Where a shell's lines come from: a terminal (cli/line_editor.h), a pipe, or a test.
class LineSource {
 public:
  enum class Event : uint8_t {
    kLine,
    kCancelled,  // the line was thrown away: Ctrl-C
    kEnd,        // nothing more comes: Ctrl-D on an empty line, or the end of the input
  };
  struct Input {
    Event event = Event::kEnd;
    std::string line = {};  // of kLine, without newline
  };

  virtual ~LineSource() = default;

  virtual Input Next(const std::string& prompt) = 0;
  // Puts the line that was read last among those that come back with arrow up.
  virtual void Remember(const std::string& /*line*/) {}
};

// The lines of a descriptor, without a prompt. Not a byte is read ahead: a password may be on the
// line that follows (cli/prompt.h).
class PlainLines : public LineSource {
 public:
  explicit PlainLines(int descriptor) : descriptor_(descriptor) {}
  Input Next(const std::string& prompt) override;

 private:
  int descriptor_;
};

}  // namespace immudb
