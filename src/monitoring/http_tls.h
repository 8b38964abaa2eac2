// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "base/watched_tls_files.h"
#include "immudb/status.h"

namespace boost::asio::ssl {
class context;
}  // namespace boost::asio::ssl

namespace immudb {

// TLS of the HTTP endpoint: TLS 1.2 or newer, the cipher suites that gRPC serves by default, client
// certificates if there are authorities for them, no resumption (a session would outlive a replaced
// authority). Used by one thread.
class HttpTls {
 public:
  // kFailedPrecondition if the files cannot be used; one line that names option, file and reason.
  static Result<std::unique_ptr<HttpTls>> Open(const TlsPaths& paths);
  ~HttpTls();

  // For the next connection: of the files as they are now, or as they last were right.
  std::shared_ptr<boost::asio::ssl::context> Context();

 private:
  explicit HttpTls(std::unique_ptr<WatchedTlsFiles> files);

  const std::unique_ptr<WatchedTlsFiles> files_;
  uint64_t version_ = 0;  // of the files that context_ is made of
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace immudb
