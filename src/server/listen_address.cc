// SPDX-License-Identifier: Apache-2.0
#include "server/listen_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "base/status_macros.h"

namespace immudb {
namespace {

class Socket {
 public:
  Socket(int family, int protocol) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

std::string ErrnoText() {
  return std::generic_category().message(errno);
}

Status ProbeTcp(const std::string& address, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.empty() ? nullptr : address.c_str(),
                                  std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return Status::InvalidArgument(::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  const Socket socket(found->ai_family, found->ai_protocol);
  const int on = 1;
  if (socket.get() < 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(socket.get(), 1) != 0) {
    return Status::Unavailable(ErrnoText());
  }
  return Status::Ok();
}

Status ProbeUnix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(name.sun_path)) {
    return Status::InvalidArgument("the path of a socket has 1 to " +
                                   std::to_string(sizeof(name.sun_path) - 1) + " bytes");
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  const Socket socket(AF_UNIX, 0);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0) {
    errno = EADDRINUSE;
    return Status::Unavailable(ErrnoText());
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> ListenTarget(const ServerOptions& options) {
  if (options.network == "unix") return "unix:" + options.address;
  if (options.network != "tcp") {
    return Status::InvalidArgument("network: must be tcp or unix, not " + options.network);
  }
  if (options.port < 0 || options.port > 65535) {
    return Status::InvalidArgument("port: must be between 0 and 65535, not " +
                                   std::to_string(options.port));
  }
  const bool is_ipv6 = options.address.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + options.address + "]" : options.address) + ":" +
         std::to_string(options.port);
}

Status ProbeListen(const ServerOptions& options) {
  const auto target = ListenTarget(options);
  IMMUDB_RETURN_IF_ERROR(target);
  const Status probed = options.network == "unix" ? ProbeUnix(options.address)
                                                  : ProbeTcp(options.address, options.port);
  return probed.WithContext("cannot listen on " + *target);
}

}  // namespace immudb
