// SPDX-License-Identifier: Apache-2.0
#include "server/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace immudb {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kIpv4 = "ipv4:";
constexpr std::string_view kIpv6 = "ipv6:";

// What stands between the brackets, escaped or not; the whole if there are none.
std::string_view Unbracketed(std::string_view address) {
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"%5B", "%5D"},
                                    std::pair<std::string_view, std::string_view>{"[", "]"}}) {
    if (!address.starts_with(open)) continue;
    const size_t end = address.find(close);
    if (end != std::string_view::npos) return address.substr(open.size(), end - open.size());
  }
  return address;
}

}  // namespace

bool IsLocalPeer(std::string_view peer) {
  if (peer.starts_with(kUnix)) return true;
  const std::string address = PeerAddress(peer);
  if (peer.starts_with(kIpv4)) return address.starts_with("127.");
  return peer.starts_with(kIpv6) && (address == "::1" || address.starts_with("::ffff:127."));
}

std::string PeerAddress(std::string_view peer) {
  if (peer.starts_with(kUnix)) return "unix";
  if (peer.starts_with(kIpv4)) {
    peer.remove_prefix(kIpv4.size());
    return std::string(peer.substr(0, peer.find(':')));
  }
  if (peer.starts_with(kIpv6)) return std::string(Unbracketed(peer.substr(kIpv6.size())));
  return std::string(peer);
}

std::string AddressForLimits(std::string_view peer) {
  if (peer.starts_with(kUnix)) return {};
  const std::string address = PeerAddress(peer);
  if (!peer.starts_with(kIpv6)) return address;
  in6_addr bits{};
  // A link-local address has its interface behind a percent sign.
  if (::inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), &bits) != 1) {
    return address;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IN6_IS_ADDR_V4MAPPED(&bits)) {
    return ::inet_ntop(AF_INET, &bits.s6_addr[12], text.data(), text.size());
  }
  std::fill(&bits.s6_addr[8], &bits.s6_addr[16], uint8_t{0});
  return std::string(::inet_ntop(AF_INET6, &bits, text.data(), text.size())).append("/64");
}

}  // namespace immudb
