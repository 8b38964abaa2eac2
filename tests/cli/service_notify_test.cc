// SPDX-License-Identifier: Apache-2.0
//
// What a service manager hears of the daemon.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <cstring>
#include <string>

#include "daemon_child.h"

namespace immudb {
namespace {

using testing::HasSubstr;

class ServiceNotify : public DaemonFixture {
 protected:
  void SetUp() override {
    DaemonFixture::SetUp();
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = Path("notify");
    ASSERT_LT(path.size(), sizeof(address.sun_path));
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  void TearDown() override {
    ::close(socket_);
    DaemonFixture::TearDown();
  }
  // The next message; "" if none comes for long.
  std::string Next() const {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, 30'000) != 1) return "";
    char message[512];
    const ssize_t size = ::recv(socket_, message, sizeof(message), 0);
    return {message, static_cast<size_t>(std::max<ssize_t>(size, 0))};
  }
  std::vector<std::string> Environment() const { return {"NOTIFY_SOCKET=" + Path("notify")}; }

  int socket_ = -1;
};

TEST_F(ServiceNotify, ReadyComesWhenItServesAndStoppingBeforeItEnds) {
  Daemon daemon(Arguments(), Environment());
  EXPECT_THAT(Next(), HasSubstr("STATUS=opening"));
  EXPECT_THAT(Next(), HasSubstr("READY=1"));
  daemon.Signal(SIGTERM);
  EXPECT_THAT(Next(), HasSubstr("STOPPING=1"));
  EXPECT_EQ(daemon.Wait(), 0);
}

// systemd starts it again only if it ends with an error.
TEST_F(ServiceNotify, FailedStartIsNeverReady) {
  Daemon daemon({"--dir", "/dev/null/x", "--port", "0"}, Environment());
  EXPECT_EQ(daemon.Wait(), 1);
  EXPECT_THAT(Next(), HasSubstr("STATUS=opening"));
  pollfd ready{socket_, POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 0), 0);
}

TEST_F(ServiceNotify, ManagerThatDoesNotListenChangesNothing) {
  Daemon daemon(Arguments(), {"NOTIFY_SOCKET=" + Path("nobody")});
  ASSERT_TRUE(daemon.AwaitOutput("start using immudb.\n")) << daemon.err;
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
}

}  // namespace
}  // namespace immudb
