// SPDX-License-Identifier: Apache-2.0
#include "cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace immudb {
namespace {

constexpr int kHistorySize = 1000;

// libedit drops bytes that are no characters of the locale; in the "C" locale all but ASCII.
void UseCharactersOfTheUser() {
  std::setlocale(LC_CTYPE, "");  // NOLINT(concurrency-mt-unsafe): before other threads
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (std::string_view(::nl_langinfo(CODESET)) == "ANSI_X3.4-1968") {
    std::setlocale(LC_CTYPE, "C.UTF-8");  // NOLINT(concurrency-mt-unsafe)
  }
}

bool IsText(const std::string& line) {
  return std::mbstowcs(nullptr, line.c_str(), 0) != static_cast<size_t>(-1);
}

std::string CommonStart(const std::vector<std::string>& candidates) {
  std::string common = candidates.front();
  for (const auto& candidate : candidates) {
    const auto differ = std::ranges::mismatch(common, candidate);
    common.erase(differ.in1, common.end());
  }
  return common;
}

// In as many columns as the terminal has room for, read downwards.
std::string Columns(const std::vector<std::string>& texts) {
  winsize size{};
  const size_t width =
      ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  size_t widest = 0;
  for (const auto& text : texts) widest = std::max(widest, text.size());
  const size_t columns = std::max<size_t>(1, width / (widest + 2));
  const size_t rows = (texts.size() + columns - 1) / columns;
  std::string listing = "\n";
  for (size_t row = 0; row < rows; ++row) {
    for (size_t at = row; at < texts.size(); at += rows) {
      listing += texts[at];
      if (at + rows < texts.size()) listing.append(widest + 2 - texts[at].size(), ' ');
    }
    listing += '\n';
  }
  return listing;
}

}  // namespace

class LineEditor::Impl {
 public:
  Impl(const std::string& program, HistoryFile file, Completer complete)
      : file_(std::move(file)),
        complete_(std::move(complete)),
        history_(::history_init()),
        editor_(::el_init(program.c_str(), stdin, stdout, stderr)) {
    HistEvent event{};
    ::history(history_, &event, H_SETSIZE, kHistorySize);
    const auto lines = file_.Load();
    for (const auto& line : lines.ok() ? *lines : std::vector<std::string>()) Enter(line);
    ::el_set(editor_, EL_CLIENTDATA, this);
    ::el_set(editor_, EL_PROMPT, &Impl::Prompt);
    ::el_set(editor_, EL_HIST, ::history, history_);
    ::el_set(editor_, EL_EDITOR, "emacs");
    ::el_set(editor_, EL_SIGNAL, 1);  // also restores the terminal of a killed process
    ::el_set(editor_, EL_ADDFN, "immudb-complete", "Complete the word", &Impl::Complete);
    ::el_set(editor_, EL_ADDFN, "immudb-cancel", "Give up the line", &Impl::Cancel);
    ::el_set(editor_, EL_ADDFN, "immudb-suspend", "Stop the process", &Impl::Suspend);
    // While a line is edited Ctrl-C is a key: a signal could come between two reads, unseen.
    ::el_set(editor_, EL_SETTY, "-d", "-isig", nullptr);
    ::el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    ::el_source(editor_, nullptr);
    ::el_set(editor_, EL_BIND, "^I", "immudb-complete", nullptr);
    ::el_set(editor_, EL_BIND, "^C", "immudb-cancel", nullptr);
    ::el_set(editor_, EL_BIND, "^Z", "immudb-suspend", nullptr);
  }
  ~Impl() {
    ::el_end(editor_);
    ::history_end(history_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Input Next(const std::string& prompt) {
    prompt_ = prompt;
    int count = 0;
    errno = 0;  // only it tells a signal from the end
    cancelled_ = false;
    ::el_set(editor_, EL_PREP_TERM, 1);  // before the prompt: what is typed then is echoed once
    const char* line = ::el_gets(editor_, &count);
    if (cancelled_ || (line == nullptr && count < 0 && errno == EINTR)) {
      std::fputs("^C\n", stdout);
      std::fflush(stdout);
      return {Event::kCancelled};
    }
    if (line == nullptr || count <= 0) return {Event::kEnd};
    std::string text(line, static_cast<size_t>(count));
    if (text.ends_with('\n')) text.pop_back();
    return {Event::kLine, std::move(text)};
  }

  void Remember(const std::string& line) {
    if (line == newest_) return;
    Enter(line);
    // A full disk is no reason to trouble who is typing.
    static_cast<void>(file_.Append(line).ok());
  }

 private:
  static Impl* Of(EditLine* editor) {
    void* self = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &self);
    return static_cast<Impl*>(self);
  }

  static char* Prompt(EditLine* editor) { return Of(editor)->prompt_.data(); }

  static unsigned char Cancel(EditLine* editor, int /*key*/) {
    Of(editor)->cancelled_ = true;
    return CC_EOF;
  }

  static unsigned char Suspend(EditLine* editor, int /*key*/) {
    ::el_set(editor, EL_PREP_TERM, 0);
    ::raise(SIGTSTP);
    ::el_set(editor, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
  }

  static unsigned char Complete(EditLine* editor, int /*key*/) {
    const LineInfo* line = ::el_line(editor);
    const std::string before(line->buffer, line->cursor);
    const Completion completion = Of(editor)->complete_(before);
    if (completion.candidates.empty()) return CC_REFRESH_BEEP;
    const bool one = completion.candidates.size() == 1;
    const std::string common = CommonStart(completion.candidates) + (one ? " " : "");
    const std::string typed = before.substr(before.size() - completion.replaced);
    if (common == typed) {
      const std::string listing = Columns(completion.candidates);
      std::fwrite(listing.data(), 1, listing.size(), stdout);
      return CC_REDISPLAY;
    }
    ::el_deletestr(editor, static_cast<int>(completion.replaced));
    if (::el_insertstr(editor, common.c_str()) < 0) return CC_ERROR;
    return one ? CC_REFRESH : CC_REFRESH_BEEP;
  }

  void Enter(const std::string& line) {
    if (!IsText(line)) return;
    HistEvent event{};
    ::history(history_, &event, H_ENTER, line.c_str());
    newest_ = line;
  }

  HistoryFile file_;
  const Completer complete_;
  std::string prompt_;
  std::string newest_;
  bool cancelled_ = false;
  History* const history_;
  EditLine* const editor_;
};

LineEditor::LineEditor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LineEditor::~LineEditor() = default;

Result<std::unique_ptr<LineEditor>> LineEditor::Open(const std::string& program,
                                                     HistoryFile history, Completer complete) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    return Status::Unavailable("standard input and output are not a terminal");
  }
  UseCharactersOfTheUser();
  return std::unique_ptr<LineEditor>(
      new LineEditor(std::make_unique<Impl>(program, std::move(history), std::move(complete))));
}

LineSource::Input LineEditor::Next(const std::string& prompt) {
  return impl_->Next(prompt);
}

void LineEditor::Remember(const std::string& line) {
  impl_->Remember(line);
}

}  // namespace immudb
