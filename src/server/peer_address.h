// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace immudb {

// Peers as gRPC names them: "ipv4:127.0.0.1:4242", "ipv6:%5B::1%5D:4242", "unix:/path".

// Is this peer on this machine?
bool IsLocalPeer(std::string_view peer);

// Its address without scheme and port: "127.0.0.1", "::1", "unix".
std::string PeerAddress(std::string_view peer);

// The address as limits count it: of IPv6 the network (the first 64 bits, which belong to one
// subscriber), of IPv4 in IPv6 the IPv4 address; empty for unix sockets, whose peers cannot be told
// apart.
std::string AddressForLimits(std::string_view peer);

}  // namespace immudb
