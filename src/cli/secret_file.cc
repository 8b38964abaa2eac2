// SPDX-License-Identifier: Apache-2.0
#include "cli/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "cli/option_value.h"

namespace immudb {
namespace {

constexpr size_t kLongest = 4096;

// Up to one byte more than allowed; an errno if it fails.
Result<std::string> ReadSome(int fd) {
  std::string text;
  std::array<char, 1024> buffer{};
  while (text.size() <= kLongest) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Status::IoError(std::generic_category().message(errno));
    if (n == 0) break;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  return text;
}

}  // namespace

Result<SecretFile> ReadSecretFile(const std::string& path) {
  const auto failed = [&path](const std::string& why) {
    return Status::FailedPrecondition("file " + path + ": " + why);
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return failed(std::generic_category().message(errno));
  struct stat info {};
  SecretFile secret;
  secret.open_to_others = ::fstat(fd, &info) == 0 && (info.st_mode & S_IROTH) != 0;
  auto text = ReadSome(fd);
  ::close(fd);
  if (!text.ok()) return failed(text.status().message());
  if (text->size() > kLongest) return failed("longer than 4096 bytes");
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->starts_with("enc:")) {
    text = DecodePassword(*text);
    if (!text.ok()) return failed(text.status().message());
  }
  if (text->empty()) return failed("it is empty");
  secret.text = *std::move(text);
  return secret;
}

}  // namespace immudb
