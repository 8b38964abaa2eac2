// SPDX-License-Identifier: Apache-2.0
#include "base/watched_tls_files.h"

#include <spdlog/spdlog.h>

#include <ctime>
#include <utility>

#include "base/status_macros.h"

namespace immudb {
namespace {

Result<TlsPem> ReadAndCheck(const TlsPaths& paths) {
  if (paths.certificate.empty() || paths.key.empty()) {
    return Status::FailedPrecondition("TLS needs certificate and pkey");
  }
  auto pem = ReadTlsFiles(paths);
  IMMUDB_RETURN_IF_ERROR(pem);
  IMMUDB_RETURN_IF_ERROR(CheckTls(paths, *pem));
  return pem;
}

}  // namespace

Status CheckServerTls(const TlsPaths& paths) {
  return ReadAndCheck(paths).status();
}

Result<std::unique_ptr<WatchedTlsFiles>> WatchedTlsFiles::Open(TlsPaths paths, std::string label) {
  auto pem = ReadAndCheck(paths);
  IMMUDB_RETURN_IF_ERROR(pem);
  std::unique_ptr<WatchedTlsFiles> files(
      new WatchedTlsFiles(std::move(paths), std::move(label), *std::move(pem)));
  files->LogValidity();
  return files;
}

WatchedTlsFiles::WatchedTlsFiles(TlsPaths paths, std::string label, TlsPem pem)
    : paths_(std::move(paths)), label_(std::move(label)), served_(std::move(pem)) {}

std::optional<TlsPem> WatchedTlsFiles::ChangedSince(uint64_t* seen) {
  const std::lock_guard hold(mutex_);
  Refresh();
  if (*seen == version_) return std::nullopt;
  *seen = version_;
  return served_;
}

// Contents are compared, not times: a file may be written twice within one tick of the clock.
void WatchedTlsFiles::Refresh() {
  auto pem = ReadTlsFiles(paths_);
  if (!pem.ok()) return Refuse(pem.status());
  if (*pem != served_) {
    if (const Status checked = CheckTls(paths_, *pem); !checked.ok()) return Refuse(checked);
    served_ = *std::move(pem);
    ++version_;
    spdlog::info("{}TLS files changed: new connections are served with {}", label_,
                 paths_.certificate);
    LogValidity();
  }
  refusal_.clear();
}

void WatchedTlsFiles::Refuse(const Status& status) {
  if (status.message() == refusal_) return;
  refusal_ = status.message();
  spdlog::warn("{}TLS files changed, but are not used: {}", label_, refusal_);
}

void WatchedTlsFiles::LogValidity() const {
  for (const auto& line : ValidityWarnings(paths_, served_, std::time(nullptr))) {
    spdlog::warn("{}{}", label_, line);
  }
}

}  // namespace immudb
