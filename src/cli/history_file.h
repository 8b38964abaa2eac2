// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// The lines typed into a shell, one a line, oldest first, in a file that only its owner may read
// (mode 0600; made so if it was open to others). Each line is appended when it is typed: several
// shells may share the file, and a killed one loses nothing. Not thread-safe.
class HistoryFile {
 public:
  // An empty path keeps nothing. `limit`: lines that Load gives; the file is cut to them when it
  // has more than twice as many.
  explicit HistoryFile(std::string path, size_t limit = 1000);

  // The newest lines. Empty if there is no file. kIoError: it cannot be read.
  Result<std::vector<std::string>> Load();
  // `line` holds no newline. kIoError: nobody should type less because of it.
  Status Append(std::string_view line);

  const std::string& path() const { return path_; }

 private:
  Status Replace(const std::vector<std::string>& lines) const;

  std::string path_;
  size_t limit_;
};

// "<home>/<name>" for a bare name; a path as it is; "" for "none", "" and for a bare name without a
// home.
std::string HistoryPath(std::string_view name, std::string_view home);

}  // namespace immudb
