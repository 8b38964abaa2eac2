// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt.h"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>

namespace immudb {
namespace {

constexpr char kInterrupt = 3;   // Ctrl-C
constexpr char kEndOfInput = 4;  // Ctrl-D
constexpr char kBackspace = 8;
constexpr char kKillLine = 21;  // Ctrl-U
constexpr char kDelete = 127;

// The terminal without echo. Signals are off as well: a Ctrl-C that ended the process here would
// leave the user's shell without echo.
class SilentTerminal {
 public:
  SilentTerminal() {
    if (::tcgetattr(STDIN_FILENO, &saved_) != 0) return;
    termios silent = saved_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  bool silent() const { return changed_; }

 private:
  termios saved_{};
  bool changed_ = false;
};

std::optional<char> ReadByte() {
  char c = 0;
  ssize_t n = 0;
  do {
    n = ::read(STDIN_FILENO, &c, 1);
  } while (n < 0 && errno == EINTR);
  return n == 1 ? std::optional(c) : std::nullopt;
}

void Write(std::string_view text) {
  // Nothing to be done if the terminal is gone: reading will fail too.
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

Result<std::string> ReadLine() {
  std::string line;
  bool any = false;
  for (auto c = ReadByte(); c; c = ReadByte()) {
    any = true;
    if (*c == '\n') break;
    line += *c;
  }
  if (!any) return Status::InvalidArgument("no password was given");
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

Result<std::string> ReadSilently(std::string_view prompt) {
  const SilentTerminal terminal;
  if (!terminal.silent()) return Status::InvalidArgument("the terminal cannot be made silent");
  Write(prompt);  // only now: what is typed after it is not echoed, and not lost
  std::string line;
  for (auto c = ReadByte(); c; c = ReadByte()) {
    if (*c == '\n' || *c == '\r') return line;
    if (*c == kInterrupt || *c == kEndOfInput) break;
    if (*c == kKillLine) {
      line.clear();
    } else if (*c == kDelete || *c == kBackspace) {
      if (!line.empty()) line.pop_back();
    } else {
      line += *c;
    }
  }
  return Status::InvalidArgument("no password was given");
}

}  // namespace

Result<std::string> ReadPassword(std::string_view prompt) {
  if (::isatty(STDIN_FILENO) == 0) return ReadLine();
  auto password = ReadSilently(prompt);
  Write("\n");
  return password;
}

bool UseColour(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  return (no_color == nullptr || *no_color == '\0') && ::isatty(descriptor) == 1;
}

}  // namespace immudb
