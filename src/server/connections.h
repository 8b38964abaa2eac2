// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace immudb {

// The connections of the gRPC port. gRPC owns their sockets and does not say when it closes one, so
// this knows them by descriptor and inode, and looks whether that is still what the descriptor is.
//
// A connection is trusted as soon as it has made a call that is allowed. At the limit
// a new connection takes the place of one that is not trusted: the oldest of the address that has
// most of them. If all are trusted, the new one is refused. Without trust a connection may send
// kUnheardBytes between two calls: gRPC 1.51 keeps, and reads again with each frame, the headers of
// a call whatever their size.
//
// Connections by a socket file come from this machine, and cannot be told apart: they count, and
// are never closed here. Thread-safe. Holds its lock over fstat, getsockopt and shutdown.
class Connections {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr uint64_t kUnheardBytes = uint64_t{256} << 10;

  explicit Connections(size_t limit) : limit_(limit) {}

  // Whether a connection may be accepted now. False: gRPC has to close first what was ended.
  bool Ready();
  // A connection was accepted. False: there is no room, the caller closes it.
  bool Admit(int fd, Time now = std::chrono::steady_clock::now());

  // The headers of a call have come by the connection of `peer`, as gRPC names it.
  void Heard(std::string_view peer, bool trusted);

  // Ends the connections without trust that send too much without a call. To be called every some
  // milliseconds: what is sent in between is not bounded.
  void Police();

  // Whether Heard() could change anything for calls that are allowed.
  bool any_untrusted() const { return untrusted_.load(std::memory_order_relaxed) > 0; }
  // The connections that were open at the last look.
  size_t size() const;
  // How many were closed or refused to stay within the bounds.
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Connection {
    ino_t inode;
    Time since;
    std::string peer;     // "ADDRESS PORT"; empty: a socket file
    std::string address;  // of IPv6 the first 64 bits: one host may have all of them
    bool trusted = false;
    bool heard = false;        // since the last Police()
    bool ended = false;        // and gRPC has not closed it yet
    uint64_t heard_bytes = 0;  // what was received when a call was heard last
  };
  using Table = std::unordered_map<int, Connection>;

  void Sweep();
  void MakeRoom();
  void End(int fd, Connection& connection);
  Table::iterator Forget(Table::iterator connection);

  const size_t limit_;
  std::atomic<size_t> untrusted_{0};
  std::atomic<uint64_t> refused_{0};

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  Table connections_;  // by descriptor
  std::unordered_map<std::string, int> by_peer_;
  size_t ended_ = 0;
};

}  // namespace immudb
