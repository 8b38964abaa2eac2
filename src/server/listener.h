// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "immudb/status.h"
#include "server/connections.h"

namespace immudb {

// The listening sockets of the gRPC port, and the thread that accepts connections from them. gRPC
// 1.51 could do that itself, but it takes whatever comes, and accepts nothing any more after it
// lacked a descriptor once.
class Listener {
 public:
  // What is done with a connection that was accepted and admitted; takes the descriptor.
  using Take = std::function<void(int listening, int accepted)>;

  // Binds and listens at `target`, as ListenTarget() gives it: an unspecified address is both
  // families, a name all its addresses, and a socket file that is there is replaced. kUnavailable
  // if that fails. `user_timeout_ms`: see TCP_USER_TIMEOUT.
  static Result<std::unique_ptr<Listener>> Open(const std::string& target, int user_timeout_ms);
  // Stops.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Accepts from now on. Connections are refused as `connections` says, which is policed here; both
  // outlive the listener.
  void Start(Connections& connections, Take take);
  // Closes the sockets, removes a socket file. Idempotent.
  void Stop();

  int port() const { return port_; }  // 0: a socket file

 private:
  Listener() = default;
  Status ListenTcp(const std::string& target, int user_timeout_ms);
  Status ListenUnix(const std::string& path);
  void Run();
  // Until there is none. False: there are more, but none can be accepted at the moment.
  bool Accept(int listening);

  std::vector<int> sockets_;
  std::string file_;
  int port_ = 0;
  Connections* connections_ = nullptr;
  Take take_;
  int stop_ = -1;  // an eventfd that is readable when the thread shall end
  std::thread thread_;
};

}  // namespace immudb
