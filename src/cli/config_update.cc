// SPDX-License-Identifier: Apache-2.0
#include "cli/config_update.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/file_system.h"
#include "cli/config_file.h"

namespace immudb {
namespace {

constexpr std::string_view kSpace = " \t\r";

struct Span {
  size_t begin;
  size_t end;
};

// The line (1-based) without its newline.
Span LineSpan(std::string_view text, int line) {
  size_t begin = 0;
  for (; line > 1; --line) begin = text.find('\n', begin) + 1;
  return {begin, std::min(text.find('\n', begin), text.size())};
}

// Where the value stands in a line that was understood: behind '=', up to the closing quote, or to
// white space and a comment.
Span ValueSpan(std::string_view line, bool toml) {
  const size_t equals = line.find('=');
  const size_t begin = line.find_first_not_of(kSpace, equals + 1);
  if (begin == std::string_view::npos) return {equals + 1, equals + 1};
  const char quote = line[begin];
  if (quote == '"' || quote == '\'') {
    size_t end = begin + 1;
    while (line[end] != quote) end += toml && quote == '"' && line[end] == '\\' ? 2 : 1;
    return {begin, end + 1};
  }
  size_t end = begin;
  const std::string_view comments = toml ? "#" : ";#";
  while (end < line.size()) {
    const bool apart = end == begin || kSpace.find(line[end - 1]) != std::string_view::npos;
    if (comments.find(line[end]) != std::string_view::npos && (toml || apart)) break;
    ++end;
  }
  while (end > begin && kSpace.find(line[end - 1]) != std::string_view::npos) --end;
  return end > begin ? Span{begin, end} : Span{equals + 1, equals + 1};
}

bool IsBare(std::string_view value) {
  if (value == "true" || value == "false") return true;
  return !value.empty() &&
         std::ranges::all_of(value, [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string Quoted(std::string_view value, bool toml) {
  if (IsBare(value)) return std::string(value);
  const char quote = !toml && value.find('"') != std::string_view::npos ? '\'' : '"';
  std::string text(1, quote);
  for (const char c : value) {
    if (toml && (c == '"' || c == '\\')) text += '\\';
    text += c;
  }
  return text + quote;
}

// Where a new line belongs: behind the last setting of the section [<program>], else at the end.
size_t AppendPosition(std::string_view text, std::string_view program, bool toml) {
  const std::string header = '[' + std::string(program) + ']';
  bool inside = false;
  size_t position = std::string_view::npos;
  for (size_t begin = 0; !toml && begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const auto first = std::min(text.find_first_not_of(kSpace, begin), end);
    if (first < end && text[first] == '[') inside = text.substr(first).starts_with(header);
    if (inside && first < end) position = std::min(end + 1, text.size());
    begin = end + 1;
  }
  return std::min(position, text.size());
}

void Append(std::string* text, std::string_view program, const std::string& line, bool toml) {
  const std::string newline = text->find("\r\n") == std::string::npos ? "\n" : "\r\n";
  size_t position = AppendPosition(*text, program, toml);
  if (position > 0 && (*text)[position - 1] != '\n') {
    text->insert(position, newline);
    position += newline.size();
  }
  text->insert(position, line + newline);
}

Status Failed(std::string_view what, const std::string& path, int error) {
  return Status::IoError("cannot " + std::string(what) + ' ' + path + ": " +
                         std::generic_category().message(error));
}

Status WriteLike(const std::string& temporary, const struct stat& info, std::string_view content) {
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Failed("write", temporary, errno);
  Status status;
  while (status.ok() && !content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = Failed("write", temporary, errno);
    if (n > 0) content.remove_prefix(static_cast<size_t>(n));
  }
  struct stat made {};
  if (status.ok() && ::fstat(fd, &made) != 0) status = Failed("stat", temporary, errno);
  const bool same_owner = made.st_uid == info.st_uid && made.st_gid == info.st_gid;
  if (status.ok() && !same_owner && ::fchown(fd, info.st_uid, info.st_gid) != 0) {
    status = Failed("keep the owner of", temporary, errno);
  }
  if (status.ok() && (::fchmod(fd, info.st_mode & 07777) != 0 || ::fsync(fd) != 0)) {
    status = Failed("write", temporary, errno);
  }
  ::close(fd);
  return status;
}

// Replaces what `path` leads to.
Status Replace(const std::string& path, std::string_view content) {
  std::error_code error;
  const std::string target = std::filesystem::canonical(path, error).string();
  struct stat info {};
  if (error || ::stat(target.c_str(), &info) != 0) return Failed("find", path, errno);
  const std::string temporary = target + ".new." + std::to_string(::getpid());
  ::unlink(temporary.c_str());  // of a process that died half-way and had our id
  Status status = WriteLike(temporary, info, content);
  if (status.ok()) status = FileSystem::Real().Rename(temporary, target);
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return FileSystem::Real().SyncDirectory(std::filesystem::path(target).parent_path().string());
}

}  // namespace

Status SetConfigKey(const std::string& path, std::string_view program, std::string_view key,
                    std::string_view value) {
  const auto unreadable = [&path](const Status& why) {
    return Status::FailedPrecondition("error reading config file " + path + ": " + why.message());
  };
  if (std::ranges::any_of(value, [](unsigned char c) { return std::iscntrl(c) != 0; })) {
    return Status::InvalidArgument("the value of " + std::string(key) + " does not fit in a line");
  }
  const bool toml = path.ends_with(".toml");
  auto content = ReadFile(FileSystem::Real(), path);
  if (content.status().code() == StatusCode::kNotFound) {
    return Status::NotFound("config file does not exist");
  }
  if (!content.ok()) return unreadable(content.status());
  const auto entries = toml ? ParseToml(*content) : ParseIni(*content, program);
  if (!entries.ok()) return unreadable(entries.status());

  std::string written = Quoted(value, toml);
  const std::string line = std::string(key) + " = " + written;
  const auto entry = std::ranges::find(*entries, key, &ConfigEntry::key);
  if (entry == entries->end()) {
    Append(&*content, program, line, toml);
  } else if (entry->value == value) {
    return Status::FailedPrecondition("Server config already has " + line);
  } else {
    const Span whole = LineSpan(*content, entry->line);
    const auto text = std::string_view(*content).substr(whole.begin, whole.end - whole.begin);
    const Span old = ValueSpan(text, toml);
    if (old.begin == old.end) {  // none yet: kept apart from '=' and a comment
      std::string apart(1, ' ');
      written = apart.append(written);
      if (old.end < text.size() && kSpace.find(text[old.end]) == std::string_view::npos) {
        written += ' ';
      }
    }
    content->replace(whole.begin + old.begin, old.end - old.begin, written);
  }
  return Replace(path, *content);
}

}  // namespace immudb
