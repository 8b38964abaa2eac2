// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// A session as it is kept on disk: which database is selected (empty: none yet), and the token.
struct SavedSession {
  std::string database;
  std::string token;
};

// The token file, in the original's format: u64 big-endian length of the database name, name,
// token. Only its owner may read it (mode 0600). Thread-safe; writes replace the file atomically.
class TokenStore {
 public:
  // A name with a slash is a path; a bare name stands for <home>/<name>, or for a file of the
  // working directory if `home` is empty. An empty name keeps nothing on disk.
  TokenStore(std::string_view name, std::string_view home);
  // With $HOME.
  explicit TokenStore(std::string_view name);

  const std::string& path() const { return path_; }

  // None if there is no file. kFailedPrecondition if it holds no token ("token content not
  // present") or is of an older format.
  Result<std::optional<SavedSession>> Load() const;
  Status Save(const SavedSession& session) const;
  // False if there was no file.
  Result<bool> Remove() const;

 private:
  std::string path_;  // empty: nothing is kept
};

}  // namespace immudb
