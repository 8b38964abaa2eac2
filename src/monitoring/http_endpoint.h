// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "base/tls_files.h"
#include "immudb/status.h"
#include "monitoring/http_pages.h"

namespace immudb {

struct HttpEndpointOptions {
  std::string address = "0.0.0.0";  // host name, IPv4 or IPv6
  int port = 0;                     // 0: any free one
  // TLS 1.2 or newer, with the cipher suites of gRPC; plain text if all are empty. The files are
  // read again for each new connection. Clients must show a certificate that leads to
  // `authorities`, unless that is empty.
  TlsPaths tls = {};

  size_t max_connections = 64;                 // above it one is closed for each that is accepted
  size_t max_request_bytes = 16384;            // request line and header; above it: 431
  size_t max_answer_bytes = size_t{16} << 20;  // of pages that clients have not taken yet
  std::chrono::milliseconds request_timeout{5000};  // from accept to the end of the header
  std::chrono::milliseconds idle_timeout{30000};    // from an answer to the next header's end
  std::chrono::milliseconds answer_timeout{10000};  // for taking an answer
};

// A small HTTP/1 server for pages that programs ask for: metrics, health. Only method, path and
// `Connection` of a request are looked at: GET and HEAD, no bodies, no ranges, no encodings.
//
// One thread serves all connections and waits for none (with TLS it reads the files), two others
// render pages: neither slow clients nor a slow page delay an answer of lane kAtOnce, and no page
// of lane kPage delays one of lane kProbe. When there are too many connections, one is closed: of
// the client address that has most of them, the one that has been idle longest. When clients do not
// take their answers, the oldest of these connections is closed before another page is rendered.
//
// Thread-safe. The destructor closes all connections and joins all threads.
class HttpEndpoint {
 public:
  // Serves when it returns. `pages` by exact path ("/metrics"); one with a query
  // ("/readyz?verbose") goes before that of its path; "*" stands for all other paths, which are 404
  // without it.
  //   kUnavailable         the address cannot be bound (for example: the port is taken)
  //   kFailedPrecondition  a TLS file cannot be used
  static Result<std::unique_ptr<HttpEndpoint>> Start(const HttpEndpointOptions& options,
                                                     std::map<std::string, HttpPage> pages);
  ~HttpEndpoint();
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  int port() const;

 private:
  class Impl;
  explicit HttpEndpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace immudb
