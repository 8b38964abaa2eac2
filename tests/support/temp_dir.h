// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace immudb::testing {

// A directory of its own for a test, removed with everything in it. In memory where that is
// possible: no test depends on what a real disk keeps, and syncs are most of the time otherwise.
// TMPDIR puts it elsewhere.
class TempDir {
 public:
  TempDir() : path_((Parent() / "immudb_XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      std::perror("cannot make a temporary directory");
      std::abort();
    }
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  static std::filesystem::path Parent() {
    constexpr uintmax_t kEnough = uintmax_t{2} << 30;
    std::error_code error;
    const bool chosen = std::getenv("TMPDIR") != nullptr;
    const std::filesystem::path memory("/dev/shm");
    if (!chosen && std::filesystem::space(memory, error).available >= kEnough && !error &&
        ::access(memory.c_str(), W_OK) == 0) {
      return memory;
    }
    return std::filesystem::temp_directory_path();
  }

  std::string path_;
};

}  // namespace immudb::testing
