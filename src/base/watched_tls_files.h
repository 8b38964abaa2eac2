// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/tls_files.h"
#include "immudb/status.h"

namespace immudb {

// The TLS files of a server, which may be replaced while it serves. Wrong or half-written files are
// not used: the last right ones stay, and the log says why, once for each reason. Thread-safe.
class WatchedTlsFiles {
 public:
  // Reads and checks the files, and logs certificates that are not valid now. `label` begins each
  // line of the log; it says who serves the files.
  //   kFailedPrecondition  certificate or key is missing or cannot be used; one line that names
  //                        option, file and reason
  static Result<std::unique_ptr<WatchedTlsFiles>> Open(TlsPaths paths, std::string label);

  // Reads the files again. Returns what is to be served if that is another version than `*seen`,
  // and sets `*seen` to it. The first version is 1.
  std::optional<TlsPem> ChangedSince(uint64_t* seen);

  const TlsPaths& paths() const { return paths_; }

 private:
  WatchedTlsFiles(TlsPaths paths, std::string label, TlsPem pem);
  void Refresh();
  void Refuse(const Status& status);
  void LogValidity() const;

  const TlsPaths paths_;
  const std::string label_;
  std::mutex mutex_;
  TlsPem served_;         // guarded by mutex_
  uint64_t version_ = 1;  // guarded by mutex_
  std::string refusal_;   // guarded by mutex_; why the present files are not served, or empty
};

// The check of Open alone.
Status CheckServerTls(const TlsPaths& paths);

}  // namespace immudb
