// SPDX-License-Identifier: Apache-2.0
#include "server/connections.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "server/peer_address.h"

namespace immudb {
namespace {

// With so many connections that were ended and that gRPC has not closed yet, none is accepted. So
// there are at most twice as many over the limit.
constexpr size_t kMostEnded = 16;
// Of the limit, the part that makes room at once, so that looking at all is not done for each.
constexpr size_t kBatch = 64;
constexpr size_t kNetworkBytes = 8;  // of an IPv6 address

std::optional<ino_t> SocketInode(int fd) {
  struct stat found {};
  if (::fstat(fd, &found) != 0 || !S_ISSOCK(found.st_mode)) return std::nullopt;
  return found.st_ino;
}

struct Peer {
  std::string name;
  std::string address;
};

std::string TextOf(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, address, text, sizeof(text));
  return text;
}

// As gRPC names addresses: IPv4 in IPv6 is IPv4.
std::optional<Peer> PeerOf(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::getpeername(fd, address, &length) != 0) return std::nullopt;
  if (address->sa_family == AF_INET) {
    const auto& v4 = *reinterpret_cast<const sockaddr_in*>(&storage);
    const std::string text = TextOf(AF_INET, &v4.sin_addr);
    return Peer{text + " " + std::to_string(ntohs(v4.sin_port)), text};
  }
  if (address->sa_family != AF_INET6) return Peer{};
  const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(&storage);
  const std::string port = std::to_string(ntohs(v6.sin6_port));
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    const std::string text = TextOf(AF_INET, &v6.sin6_addr.s6_addr[12]);
    return Peer{text + " " + port, text};
  }
  in6_addr network = v6.sin6_addr;
  std::fill(network.s6_addr + kNetworkBytes, std::end(network.s6_addr), uint8_t{0});
  return Peer{TextOf(AF_INET6, &v6.sin6_addr) + " " + port, TextOf(AF_INET6, &network)};
}

uint64_t ReceivedBytes(int fd) {
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
  return info.tcpi_bytes_received;
}

}  // namespace

bool Connections::Ready() {
  const std::lock_guard lock(mutex_);
  if (ended_ >= kMostEnded) Sweep();
  return ended_ < kMostEnded;
}

bool Connections::Admit(int fd, Time now) {
  const auto inode = SocketInode(fd);
  auto peer = PeerOf(fd);
  if (!inode || !peer) return false;
  const std::lock_guard lock(mutex_);
  if (const auto old = connections_.find(fd); old != connections_.end()) Forget(old);
  if (connections_.size() - ended_ >= limit_) {
    Sweep();
    if (connections_.size() - ended_ >= limit_) MakeRoom();
  }
  if (connections_.size() - ended_ >= limit_) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  if (!peer->name.empty()) {
    by_peer_[peer->name] = fd;
    untrusted_.fetch_add(1, std::memory_order_relaxed);
  }
  connections_[fd] = {*inode, now, std::move(peer->name), std::move(peer->address)};
  return true;
}

void Connections::Heard(std::string_view peer, bool trusted) {
  const std::string name = PeerAddress(peer) + " " + std::string(peer.substr(peer.rfind(':') + 1));
  const std::lock_guard lock(mutex_);
  const auto fd = by_peer_.find(name);
  if (fd == by_peer_.end()) return;
  Connection& connection = connections_.at(fd->second);
  connection.heard = true;
  if (trusted && !connection.trusted) {
    connection.trusted = true;
    untrusted_.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Connections::Police() {
  if (!any_untrusted()) return;
  const std::lock_guard lock(mutex_);
  Sweep();
  for (auto& [fd, connection] : connections_) {
    if (connection.trusted || connection.ended || connection.peer.empty()) continue;
    const uint64_t received = ReceivedBytes(fd);
    if (std::exchange(connection.heard, false)) connection.heard_bytes = received;
    if (received - connection.heard_bytes > kUnheardBytes) End(fd, connection);
  }
}

size_t Connections::size() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

// Forgets what gRPC has closed.
void Connections::Sweep() {
  for (auto it = connections_.begin(); it != connections_.end();) {
    it = SocketInode(it->first) == it->second.inode ? std::next(it) : Forget(it);
  }
}

void Connections::MakeRoom() {
  std::unordered_map<std::string_view, std::vector<Table::iterator>> candidates;
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    const Connection& connection = it->second;
    if (connection.trusted || connection.ended || connection.peer.empty()) continue;
    candidates[connection.address].push_back(it);
  }
  const auto most = std::ranges::max_element(
      candidates, {}, [](const auto& of_address) { return of_address.second.size(); });
  if (most == candidates.end()) return;
  auto& oldest = most->second;
  std::ranges::sort(oldest, {}, [](const auto& it) { return it->second.since; });
  oldest.resize(std::min({oldest.size(), limit_ / kBatch + 1, kMostEnded}));
  for (const auto& it : oldest) End(it->first, it->second);
}

// Not only shut down: what the kernel has received already must not be read any more.
void Connections::End(int fd, Connection& connection) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  ::connect(fd, &nobody, sizeof(nobody));
  connection.ended = true;
  ++ended_;
  refused_.fetch_add(1, std::memory_order_relaxed);
}

Connections::Table::iterator Connections::Forget(Table::iterator it) {
  const Connection& connection = it->second;
  if (connection.ended) --ended_;
  if (!connection.peer.empty()) {
    if (!connection.trusted) untrusted_.fetch_sub(1, std::memory_order_relaxed);
    if (const auto named = by_peer_.find(connection.peer);
        named != by_peer_.end() && named->second == it->first) {
      by_peer_.erase(named);
    }
  }
  return connections_.erase(it);
}

}  // namespace immudb
