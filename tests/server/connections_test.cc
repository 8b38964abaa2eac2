// SPDX-License-Identifier: Apache-2.0
#include "server/connections.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace immudb::testing {
namespace {

using std::chrono::seconds;

// Real connections to a socket of our own, for a descriptor says who its peer is.
class ConnectionsTest : public ::testing::Test {
 protected:
  struct Pair {
    int client = -1;
    int server = -1;
    std::string peer;  // as gRPC names it
  };

  ConnectionsTest() : listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address_);
    auto* address = reinterpret_cast<sockaddr*>(&address_);
    EXPECT_EQ(::bind(listening_, address, length), 0);
    EXPECT_EQ(::listen(listening_, 64), 0);
    EXPECT_EQ(::getsockname(listening_, address, &length), 0);
  }
  ~ConnectionsTest() override {
    for (const Pair& pair : pairs_) Close(pair);
    ::close(listening_);
  }
  ConnectionsTest(const ConnectionsTest&) = delete;
  ConnectionsTest& operator=(const ConnectionsTest&) = delete;

  // From 127.0.0.`host`.
  Pair Connect(int host = 1) {
    Pair pair;
    pair.client = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + static_cast<uint32_t>(host));
    EXPECT_EQ(::bind(pair.client, reinterpret_cast<sockaddr*>(&from), sizeof(from)), 0);
    EXPECT_EQ(::connect(pair.client, reinterpret_cast<sockaddr*>(&address_), sizeof(address_)), 0);
    sockaddr_in peer{};
    socklen_t length = sizeof(peer);
    pair.server = ::accept(listening_, reinterpret_cast<sockaddr*>(&peer), &length);
    pair.peer = "ipv4:127.0.0." + std::to_string(host) + ":" + std::to_string(ntohs(peer.sin_port));
    pairs_.push_back(pair);
    return pair;
  }
  static void Close(const Pair& pair) {
    ::close(pair.client);
    ::close(pair.server);
  }
  // Whether the server's side has not been ended.
  static bool IsOpen(const Pair& pair) {
    sockaddr_in peer{};
    socklen_t length = sizeof(peer);
    return ::getpeername(pair.server, reinterpret_cast<sockaddr*>(&peer), &length) == 0;
  }

  const int listening_;
  sockaddr_in address_{};
  std::vector<Pair> pairs_;
  Connections connections_{4};
  Connections::Time now_{std::chrono::hours(5)};
};

TEST_F(ConnectionsTest, WhoIsNotTrustedMakesRoomOldestFirst) {
  std::vector<Pair> pairs;
  for (int i = 0; i < 4; ++i) {
    pairs.push_back(Connect());
    EXPECT_TRUE(connections_.Admit(pairs.back().server, now_ + seconds(i)));
  }
  connections_.Heard(pairs[0].peer, /*trusted=*/true);
  EXPECT_TRUE(connections_.Admit(Connect().server, now_ + seconds(4)));
  EXPECT_TRUE(IsOpen(pairs[0]));
  EXPECT_FALSE(IsOpen(pairs[1]));
  EXPECT_TRUE(IsOpen(pairs[2]));
  EXPECT_EQ(connections_.refused(), 1U);
}

TEST_F(ConnectionsTest, TheAddressWithMostOfThemGivesWay) {
  const Pair alone = Connect(2);
  EXPECT_TRUE(connections_.Admit(alone.server, now_));
  for (int i = 1; i < 4; ++i) EXPECT_TRUE(connections_.Admit(Connect(1).server, now_ + seconds(i)));
  EXPECT_TRUE(connections_.Admit(Connect(3).server, now_ + seconds(4)));
  EXPECT_TRUE(IsOpen(alone));
}

TEST_F(ConnectionsTest, IfAllAreTrustedTheNewOneIsRefused) {
  std::vector<Pair> pairs;
  for (int i = 0; i < 4; ++i) {
    pairs.push_back(Connect());
    EXPECT_TRUE(connections_.Admit(pairs.back().server, now_));
    connections_.Heard(pairs.back().peer, /*trusted=*/true);
  }
  EXPECT_FALSE(connections_.any_untrusted());
  EXPECT_FALSE(connections_.Admit(Connect().server, now_));
  for (const Pair& pair : pairs) EXPECT_TRUE(IsOpen(pair));
}

TEST_F(ConnectionsTest, WhatIsClosedCountsNoMore) {
  for (int i = 0; i < 20; ++i) {
    const Pair pair = Connect();
    EXPECT_TRUE(connections_.Admit(pair.server, now_));
    pairs_.pop_back();
    Close(pair);
  }
  EXPECT_EQ(connections_.refused(), 0U);
  connections_.Police();
  EXPECT_FALSE(connections_.any_untrusted());
  EXPECT_EQ(connections_.size(), 0U);
}

TEST_F(ConnectionsTest, WithoutTrustLittleMayBeSentBetweenTwoCalls) {
  const Pair silent = Connect();
  const Pair calling = Connect();
  const Pair trusted = Connect();
  for (const Pair& pair : {silent, calling, trusted}) {
    EXPECT_TRUE(connections_.Admit(pair.server, now_));
  }
  connections_.Heard(trusted.peer, /*trusted=*/true);
  const std::vector<char> bytes(Connections::kUnheardBytes / 2 + 1);
  for (int i = 0; i < 2; ++i) {
    for (const Pair& pair : {silent, calling, trusted}) {
      std::vector<char> received(bytes.size());
      ASSERT_EQ(::send(pair.client, bytes.data(), bytes.size(), MSG_DONTWAIT),
                static_cast<ssize_t>(bytes.size()));
      ASSERT_EQ(::recv(pair.server, received.data(), received.size(), MSG_WAITALL),
                static_cast<ssize_t>(bytes.size()));
    }
    connections_.Heard(calling.peer, /*trusted=*/false);
    connections_.Police();
  }
  EXPECT_FALSE(IsOpen(silent));
  EXPECT_TRUE(IsOpen(calling));
  EXPECT_TRUE(IsOpen(trusted));
}

}  // namespace
}  // namespace immudb::testing
