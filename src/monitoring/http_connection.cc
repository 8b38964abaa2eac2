// SPDX-License-Identifier: Apache-2.0
#include "monitoring/http_connection.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/status_macros.h"
#include "base/tls_files.h"

namespace immudb {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Result<SslContext> MakeSslContext(const std::string& certificate, const std::string& key) {
  const TlsPaths paths{.certificate = certificate, .key = key, .authorities = ""};
  const auto pem = ReadTlsFiles(paths);
  IMMUDB_RETURN_IF_ERROR(pem);
  IMMUDB_RETURN_IF_ERROR(CheckTls(paths, *pem));
  SslContext context(::SSL_CTX_new(::TLS_server_method()));
  if (context == nullptr) return Status::Internal("no TLS context");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (::SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1 ||
      ::SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    ::ERR_clear_error();
    return Status::FailedPrecondition(certificate + ", " + key + ": not usable as a pair for TLS");
  }
  return context;
}

HttpConnection::HttpConnection(int socket, SSL_CTX* context, size_t max_read_bytes,
                               milliseconds timeout)
    : socket_(socket), deadline_(steady_clock::now() + timeout), readable_bytes_(max_read_bytes) {
  ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
  if (context == nullptr) return;
  ssl_ = ::SSL_new(context);
  if (ssl_ != nullptr) ::SSL_set_fd(ssl_, socket_);
}

HttpConnection::~HttpConnection() {
  if (ssl_ == nullptr) return;
  ::SSL_shutdown(ssl_);  // says goodbye, does not wait for the answer
  ::SSL_free(ssl_);
  ::ERR_clear_error();
}

bool HttpConnection::Open() {
  if (ssl_ == nullptr) return true;
  for (;;) {
    ::ERR_clear_error();
    const int result = ::SSL_accept(ssl_);
    if (result == 1) return true;
    if (!AwaitSsl(result)) return false;
  }
}

bool HttpConnection::Await(short events) const {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd wanted{socket_, events, 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool HttpConnection::AwaitSsl(int result) const {
  const int error = ::SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ) return Await(POLLIN);
  if (error == SSL_ERROR_WANT_WRITE) return Await(POLLOUT);
  return false;
}

bool HttpConnection::is_readable() const {
  return (ssl_ != nullptr && ::SSL_pending(ssl_) > 0) || Await(POLLIN);
}
bool HttpConnection::is_writable() const {
  return Await(POLLOUT);
}

ssize_t HttpConnection::read(char* ptr, size_t size) {
  size = std::min(size, readable_bytes_);
  if (size == 0) return -1;
  ssize_t n = 0;
  for (;;) {
    if (ssl_ != nullptr) {
      ::ERR_clear_error();
      n = ::SSL_read(ssl_, ptr, static_cast<int>(size));
      if (n > 0) break;
      if (!AwaitSsl(static_cast<int>(n))) return -1;
    } else {
      n = ::recv(socket_, ptr, size, 0);
      if (n >= 0) break;
      const bool again = errno == EAGAIN || errno == EINTR;
      if (!again || !Await(POLLIN)) return -1;
    }
  }
  readable_bytes_ -= static_cast<size_t>(n);
  return n;
}

ssize_t HttpConnection::write(const char* ptr, size_t size) {
  for (;;) {
    if (ssl_ != nullptr) {
      ::ERR_clear_error();
      const int n = ::SSL_write(ssl_, ptr, static_cast<int>(std::min<size_t>(size, 1 << 20)));
      if (n > 0) return n;
      if (!AwaitSsl(n)) return -1;
    } else {
      const ssize_t n = ::send(socket_, ptr, size, MSG_NOSIGNAL);
      if (n >= 0) return n;
      const bool again = errno == EAGAIN || errno == EINTR;
      if (!again || !Await(POLLOUT)) return -1;
    }
  }
}

// Nothing here asks who it talks with.
void HttpConnection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}
void HttpConnection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace immudb
