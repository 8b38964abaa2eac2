// SPDX-License-Identifier: Apache-2.0
#include "cli/line_source.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace immudb {

LineSource::Input PlainLines::Next(const std::string& /*prompt*/) {
  std::string line;
  while (true) {
    char c = 0;
    const ssize_t n = ::read(descriptor_, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      if (line.empty()) return {Event::kEnd};
      break;
    }
    if (c == '\n') break;
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  return {Event::kLine, std::move(line)};
}

}  // namespace immudb
