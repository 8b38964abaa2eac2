// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "immudb/status.h"

namespace immudb {

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
};

// What stands at a path. Called from any of the endpoint's threads, so it must be thread-safe; what
// it throws becomes a 500.
using HttpHandler = std::function<HttpReply()>;

struct HttpEndpointOptions {
  std::string address = "0.0.0.0";  // host name, IPv4 or IPv6
  int port = 0;                     // 0: any free one
  // TLS 1.2 or newer: PEM files, read once; both or none.
  std::string certificate = {};
  std::string key = {};
  size_t threads = 2;       // as many requests run at once
  size_t max_waiting = 16;  // accepted connections; more wait in the system's queue
  size_t max_request_bytes = 16384;
  std::chrono::milliseconds timeout{5000};  // for a whole connection, handshake to last byte
};

// A small HTTP server for pages that programs ask for: metrics, health. GET and HEAD only, one
// request a connection, nothing is read from the request but its path. However slow or noisy the
// clients are, it costs no more than its threads, and each of them for no longer than `timeout`.
//
// The constructor's thread accepts nothing; the destructor ends requests in flight and joins all
// threads. Thread-safe.
class HttpEndpoint {
 public:
  // Serves when it returns. `handlers` by exact path ("/metrics"); one with a query
  // ("/readyz?verbose") goes before that of its path; "*" stands for all other paths, which are 404
  // without it.
  //   kUnavailable         the address cannot be bound (for example: the port is taken)
  //   kFailedPrecondition  a TLS file cannot be used
  static Result<std::unique_ptr<HttpEndpoint>> Start(const HttpEndpointOptions& options,
                                                     std::map<std::string, HttpHandler> handlers);
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
