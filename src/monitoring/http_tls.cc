// SPDX-License-Identifier: Apache-2.0
#include "monitoring/http_tls.h"

#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <exception>
#include <utility>

#include "base/status_macros.h"

namespace immudb {
namespace {

namespace ssl = boost::asio::ssl;

// Those of TLS 1.2. The list that gRPC has has no others, and those of TLS 1.3 are all good.
constexpr char kCipherSuites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384";

// Throws boost::system::system_error.
std::shared_ptr<ssl::context> MakeContext(const TlsPem& pem) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native, kCipherSuites);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  context->use_certificate_chain(boost::asio::buffer(pem.certificate));
  context->use_private_key(boost::asio::buffer(pem.key), ssl::context::pem);
  if (!pem.authorities.empty()) {
    context->add_certificate_authority(boost::asio::buffer(pem.authorities));
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  }
  return context;
}

}  // namespace

HttpTls::HttpTls(std::unique_ptr<WatchedTlsFiles> files) : files_(std::move(files)) {}

HttpTls::~HttpTls() = default;

Result<std::unique_ptr<HttpTls>> HttpTls::Open(const TlsPaths& paths) {
  auto files = WatchedTlsFiles::Open(paths, "metrics port: ");
  IMMUDB_RETURN_IF_ERROR(files);
  std::unique_ptr<HttpTls> tls(new HttpTls(*std::move(files)));
  if (tls->Context() == nullptr) {
    return Status::FailedPrecondition(paths.certificate + ", " + paths.key +
                                      ": not usable as a pair for TLS");
  }
  return tls;
}

std::shared_ptr<ssl::context> HttpTls::Context() {
  if (const auto pem = files_->ChangedSince(&version_)) {
    try {
      context_ = MakeContext(*pem);
    } catch (const std::exception& error) {
      spdlog::warn("metrics port: TLS files changed, but are not used: {}", error.what());
    }
  }
  return context_;
}

}  // namespace immudb
