// SPDX-License-Identifier: Apache-2.0
#include "server/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "base/tls_files.h"
#include "base/watched_tls_files.h"

namespace immudb {
namespace {

TlsPaths PathsOf(const TlsFiles& files) {
  return {files.certificate, files.key, files.client_authorities};
}

// Gives gRPC the files that are to be served. gRPC asks before each handshake.
class CertificateFetcher {
 public:
  explicit CertificateFetcher(std::unique_ptr<WatchedTlsFiles> files) : files_(std::move(files)) {}

  // The argument is a CertificateFetcher. Called by gRPC from its own threads.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<CertificateFetcher*>(self)->Fetch(config);
  }

  bool asks_clients() const { return !files_->paths().authorities.empty(); }

 private:
  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    const std::lock_guard hold(mutex_);
    const auto pem = files_->ChangedSince(&given_);
    if (!pem) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{pem->key.c_str(), pem->certificate.c_str()};
    // gRPC 1.51 aborts without authorities, although nothing is asked of clients then and they are
    // not used: any certificate will do.
    const std::string& authorities = asks_clients() ? pem->authorities : pem->certificate;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::unique_ptr<WatchedTlsFiles> files_;
  std::mutex mutex_;
  uint64_t given_ = 0;  // guarded by mutex_; the version that gRPC has
};

// gRPC's C++ interface has no credentials that keep the old files when the new ones are wrong; its
// C interface has.
class ReloadingCredentials final : public grpc::ServerCredentials {
 public:
  explicit ReloadingCredentials(std::unique_ptr<WatchedTlsFiles> files)
      : fetcher_(std::move(files)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                fetcher_.asks_clients() ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                        : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                &CertificateFetcher::Fetch, &fetcher_))) {}
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

  CertificateFetcher fetcher_;
  grpc_server_credentials* const credentials_;
};

}  // namespace

Status CheckTlsFiles(const TlsFiles& files) {
  return CheckServerTls(PathsOf(files));
}

Result<std::shared_ptr<grpc::ServerCredentials>> MakeTlsCredentials(const TlsFiles& files) {
  auto watched = WatchedTlsFiles::Open(PathsOf(files), "");
  IMMUDB_RETURN_IF_ERROR(watched);
  return std::shared_ptr<grpc::ServerCredentials>(
      std::make_shared<ReloadingCredentials>(*std::move(watched)));
}

}  // namespace immudb
