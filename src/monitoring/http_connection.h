// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <httplib.h>
#include <openssl/ssl.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "immudb/status.h"

namespace immudb {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

// TLS of a server that asks for no client certificate. kFailedPrecondition for unusable files.
Result<SslContext> MakeSslContext(const std::string& certificate, const std::string& key);

// One accepted connection as the HTTP library reads and writes it, with bounds that the library
// does not have: a deadline for everything, and the number of bytes that are read. Used by one
// thread. Does not own the socket.
class HttpConnection final : public httplib::Stream {
 public:
  // `context` null: plain text.
  HttpConnection(int socket, SSL_CTX* context, size_t max_read_bytes,
                 std::chrono::milliseconds timeout);
  ~HttpConnection() override;

  // The TLS handshake, if there is to be one.
  bool Open();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* ptr, size_t size) override;
  ssize_t write(const char* ptr, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  bool Await(short events) const;
  // Waits for what the TLS call that returned `result` wants; false if it failed for good.
  bool AwaitSsl(int result) const;

  const int socket_;
  const std::chrono::steady_clock::time_point deadline_;
  size_t readable_bytes_;
  SSL* ssl_ = nullptr;
};

}  // namespace immudb
