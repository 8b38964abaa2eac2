// SPDX-License-Identifier: Apache-2.0
#include "server/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>
#include <spdlog/spdlog.h>

#include <ctime>
#include <mutex>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "base/tls_files.h"

namespace immudb {
namespace {

TlsPaths PathsOf(const TlsFiles& files) {
  return {files.certificate, files.key, files.client_authorities};
}

Result<TlsPem> ReadAndCheck(const TlsPaths& paths) {
  if (paths.certificate.empty() || paths.key.empty()) {
    return Status::FailedPrecondition("TLS needs certificate and pkey");
  }
  auto pem = ReadTlsFiles(paths);
  IMMUDB_RETURN_IF_ERROR(pem);
  IMMUDB_RETURN_IF_ERROR(CheckTls(paths, *pem));
  return pem;
}

void LogValidity(const TlsPaths& paths, const TlsPem& pem) {
  for (const auto& line : ValidityWarnings(paths, pem, std::time(nullptr))) {
    spdlog::warn("{}", line);
  }
}

// What the files held when they were last right. gRPC asks before each handshake.
class WatchedFiles {
 public:
  WatchedFiles(TlsPaths paths, TlsPem pem) : paths_(std::move(paths)), served_(std::move(pem)) {}

  // The argument is a WatchedFiles. Called by gRPC from its own threads.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<WatchedFiles*>(self)->Fetch(config);
  }

 private:
  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    const std::lock_guard hold(mutex_);
    const bool changed = Refresh();
    if (!changed && given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{served_.key.c_str(), served_.certificate.c_str()};
    // gRPC 1.51 aborts without authorities, although nothing is asked of clients then and they are
    // not used: any certificate will do.
    const std::string& authorities =
        paths_.authorities.empty() ? served_.certificate : served_.authorities;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    given_ = true;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  // Contents are compared, not times: a file may be written twice within one tick of the clock.
  bool Refresh() {
    auto pem = ReadTlsFiles(paths_);
    if (!pem.ok()) {
      Refuse(pem.status());
      return false;
    }
    if (*pem == served_) {
      refusal_.clear();
      return false;
    }
    if (const Status checked = CheckTls(paths_, *pem); !checked.ok()) {
      Refuse(checked);
      return false;
    }
    served_ = *std::move(pem);
    refusal_.clear();
    spdlog::info("TLS files changed: new connections are served with {}", paths_.certificate);
    LogValidity(paths_, served_);
    return true;
  }

  // Once for each reason, not for each connection.
  void Refuse(const Status& status) {
    if (status.message() == refusal_) return;
    refusal_ = status.message();
    spdlog::warn("TLS files changed, but are not used: {}", refusal_);
  }

  const TlsPaths paths_;
  std::mutex mutex_;
  TlsPem served_;        // guarded by mutex_, as what follows
  bool given_ = false;   // gRPC has `served_`
  std::string refusal_;  // why the present files are not served; empty: they are
};

// gRPC's C++ interface has no credentials that keep the old files when the new ones are wrong; its
// C interface has.
class ReloadingCredentials final : public grpc::ServerCredentials {
 public:
  ReloadingCredentials(TlsPaths paths, TlsPem pem)
      : request_(paths.authorities.empty()
                     ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                     : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY),
        files_(std::move(paths), std::move(pem)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                request_, &WatchedFiles::Fetch, &files_))) {}
  ~ReloadingCredentials() override { grpc_server_credentials_release(credentials_); }
  ReloadingCredentials(const ReloadingCredentials&) = delete;
  ReloadingCredentials& operator=(const ReloadingCredentials&) = delete;

  // Calls carry tokens of their own.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  const grpc_ssl_client_certificate_request_type request_;
  WatchedFiles files_;
  grpc_server_credentials* const credentials_;
};

}  // namespace

Status CheckTlsFiles(const TlsFiles& files) {
  return ReadAndCheck(PathsOf(files)).status();
}

Result<std::shared_ptr<grpc::ServerCredentials>> MakeTlsCredentials(const TlsFiles& files) {
  TlsPaths paths = PathsOf(files);
  auto pem = ReadAndCheck(paths);
  IMMUDB_RETURN_IF_ERROR(pem);
  LogValidity(paths, *pem);
  return std::shared_ptr<grpc::ServerCredentials>(
      std::make_shared<ReloadingCredentials>(std::move(paths), *std::move(pem)));
}

}  // namespace immudb
