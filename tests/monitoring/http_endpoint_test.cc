// SPDX-License-Identifier: Apache-2.0
#include "monitoring/http_endpoint.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <vector>

#include "support/certificates.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

std::map<std::string, HttpHandler> Pages() {
  return {{"/metrics",
           [] { return HttpReply{.status = 200, .content_type = "text/plain", .body = "up 1\n"}; }},
          {"/readyz", [] { return HttpReply{.status = 503, .body = "recovering"}; }},
          {"/throws", []() -> HttpReply { throw std::runtime_error("boom"); }}};
}

std::unique_ptr<HttpEndpoint> Start(HttpEndpointOptions options,
                                    std::map<std::string, HttpHandler> pages = Pages()) {
  options.address = "127.0.0.1";
  auto endpoint = HttpEndpoint::Start(options, std::move(pages));
  EXPECT_TRUE(endpoint.ok()) << endpoint.status().ToString();
  return *std::move(endpoint);
}

class Connection {
 public:
  explicit Connection(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  bool Send(const std::string& bytes) const {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0;
  }
  // Until the other side closes.
  std::string ReadAll() const {
    std::string text;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof(buffer), 0)) > 0;) {
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  const int fd_;
};

TEST(HttpEndpoint, ServesPagesWithStatusAndType) {
  const auto endpoint = Start({});
  httplib::Client client("127.0.0.1", endpoint->port());
  const auto metrics = client.Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->status, 200);
  EXPECT_EQ(metrics->body, "up 1\n");
  EXPECT_EQ(metrics->get_header_value("Content-Type"), "text/plain");
  EXPECT_EQ(client.Get("/readyz")->status, 503);
  EXPECT_EQ(client.Get("/readyz")->body, "recovering");
  EXPECT_EQ(client.Get("/")->status, 404);
  EXPECT_EQ(client.Get("/throws")->status, 500);
  EXPECT_EQ(client.Head("/metrics")->status, 200);
}

TEST(HttpEndpoint, AStarStandsForAllOtherPaths) {
  const auto endpoint = Start({}, {{"*", [] { return HttpReply{.body = "all"}; }}});
  httplib::Client client("127.0.0.1", endpoint->port());
  EXPECT_EQ(client.Get("/")->body, "all");
  EXPECT_EQ(client.Get("/metrics?x=1")->body, "all");
}

TEST(HttpEndpoint, NothingIsWrittenToIt) {
  const auto endpoint = Start({});
  httplib::Client client("127.0.0.1", endpoint->port());
  const auto posted = client.Post("/metrics", "body", "text/plain");
  EXPECT_TRUE(!posted || posted->status != 200);
}

// Otherwise a second auditor would be silent about its own findings.
TEST(HttpEndpoint, ATakenPortIsToldWithItsAddress) {
  const auto first = Start({});
  const auto second = HttpEndpoint::Start({.address = "127.0.0.1", .port = first->port()}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr("127.0.0.1:" + std::to_string(first->port())));
}

// A client that sends a byte now and then must not keep a thread for itself.
TEST(HttpEndpoint, SlowClientsAreCutOffSoThatOthersAreServed) {
  const auto endpoint = Start({.threads = 1, .timeout = milliseconds(200)});
  std::vector<std::unique_ptr<Connection>> slow;
  for (int i = 0; i < 3; ++i) {
    slow.push_back(std::make_unique<Connection>(endpoint->port()));
    slow.back()->Send("GET /metrics HTTP/1.1\r\nX: ");
  }
  httplib::Client client("127.0.0.1", endpoint->port());
  const auto page = client.Get("/metrics");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
}

TEST(HttpEndpoint, EndlessHeadersAreNotRead) {
  const auto endpoint = Start({.max_request_bytes = 4096, .timeout = milliseconds(60000)});
  const Connection noisy(endpoint->port());
  noisy.Send("GET /metrics HTTP/1.1\r\n");
  bool open = true;
  for (int i = 0; open && i < 1000000; ++i)
    open = noisy.Send("X-Header: " + std::to_string(i) + "\r\n");
  EXPECT_FALSE(open);
}

TEST(HttpEndpoint, StopsAtOnceWhateverItsClientsDo) {
  auto endpoint = Start({.timeout = milliseconds(60000)});
  std::vector<std::unique_ptr<Connection>> idle;
  for (int i = 0; i < 8; ++i) idle.push_back(std::make_unique<Connection>(endpoint->port()));
  const auto began = steady_clock::now();
  endpoint.reset();
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(10));
}

TEST(HttpEndpoint, StopsRightAfterItsStart) {
  for (int i = 0; i < 50; ++i) Start({});
}

TEST(HttpEndpoint, SpeaksTls) {
  const testing::Certificates files;
  const auto endpoint =
      Start({.certificate = files.server_certificate(), .key = files.server_key()});
  httplib::SSLClient client("localhost", endpoint->port());
  client.set_ca_cert_path(files.authorities().c_str());
  client.enable_server_certificate_verification(true);
  const auto page = client.Get("/metrics");
  ASSERT_TRUE(page) << httplib::to_string(page.error());
  EXPECT_EQ(page->body, "up 1\n");
  // Plain text gets no answer, and costs nobody else theirs.
  const Connection plain(endpoint->port());
  plain.Send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_THAT(plain.ReadAll(), ::testing::Not(HasSubstr("up 1")));
  EXPECT_TRUE(client.Get("/metrics"));
}

TEST(HttpEndpoint, AFailedTlsFileIsNamed) {
  const auto endpoint = HttpEndpoint::Start(
      {.address = "127.0.0.1", .certificate = "/nowhere/a.pem", .key = "/nowhere/b.pem"}, {});
  ASSERT_FALSE(endpoint.ok());
  EXPECT_EQ(endpoint.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(endpoint.status().message(), HasSubstr("/nowhere/"));
}

}  // namespace
}  // namespace immudb
