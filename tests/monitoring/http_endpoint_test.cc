// SPDX-License-Identifier: Apache-2.0
#include "monitoring/http_endpoint.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/certificates.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

std::map<std::string, HttpPage> Pages() {
  return {{"/metrics", {[] { return HttpReply{.content_type = "text/plain", .body = "up 1\n"}; }}},
          {"/readyz",
           {[] { return HttpReply{.status = 503, .body = "recovering"}; }, HttpLane::kProbe}},
          {"/livez", {[] { return HttpReply{.body = "lives"}; }, HttpLane::kAtOnce}},
          {"/throws", {[]() -> HttpReply { throw std::runtime_error("boom"); }}}};
}

std::unique_ptr<HttpEndpoint> Start(HttpEndpointOptions options,
                                    std::map<std::string, HttpPage> pages = Pages()) {
  options.address = "127.0.0.1";
  auto endpoint = HttpEndpoint::Start(options, std::move(pages));
  EXPECT_TRUE(endpoint.ok()) << endpoint.status().ToString();
  return *std::move(endpoint);
}

class Connection {
 public:
  explicit Connection(int port, const char* from = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    const sockaddr_in source = Address(from, 0);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof(source)), 0);
    const sockaddr_in target = Address("127.0.0.1", port);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&target), sizeof(target)), 0);
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
  bool IsClosed() const {
    char byte = 0;
    const ssize_t n = ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return n == 0 || (n < 0 && errno != EAGAIN);
  }

 private:
  static sockaddr_in Address(const char* host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    ::inet_pton(AF_INET, host, &address.sin_addr);
    return address;
  }

  const int fd_;
};

using Crowd = std::vector<std::unique_ptr<Connection>>;

Crowd Connect(int port, size_t count, const std::string& request, const char* from = "127.0.0.1") {
  Crowd crowd;
  for (size_t i = 0; i < count; ++i) {
    crowd.push_back(std::make_unique<Connection>(port, from));
    if (!request.empty()) crowd.back()->Send(request);
  }
  return crowd;
}

std::string Exchange(int port, const std::string& request) {
  const Connection connection(port);
  connection.Send(request);
  return connection.ReadAll();
}

std::string Get(int port, const std::string& path, const std::string& fields = "") {
  return Exchange(port, "GET " + path + " HTTP/1.1\r\nConnection: close\r\n" + fields + "\r\n");
}

size_t CountOf(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

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
  const auto endpoint = Start({}, {{"*", {[] { return HttpReply{.body = "all"}; }}}});
  httplib::Client client("127.0.0.1", endpoint->port());
  EXPECT_EQ(client.Get("/")->body, "all");
  EXPECT_EQ(client.Get("/metrics?x=1")->body, "all");
}

// A range, an encoding or a condition would let a stranger choose what an answer costs.
TEST(HttpEndpoint, NothingButMethodAndPathIsRead) {
  const auto endpoint = Start({});
  std::string ranges = "Range: bytes=0-";
  for (int i = 0; i < 2500; ++i) ranges += ",0-";
  for (const std::string& fields :
       {ranges + "\r\n", std::string("Accept-Encoding: gzip, br\r\nTE: trailers\r\n"),
        std::string("If-None-Match: *\r\nIf-Modified-Since: Sat, 29 Oct 2044 19:43:31 GMT\r\n"),
        std::string("X-Folded: a\r\n b\r\n\tc\r\n"), std::string("Expect: 100-continue\r\n"),
        std::string("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")}) {
    EXPECT_EQ(Get(endpoint->port(), "/metrics", fields),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
              "Connection: close\r\n\r\nup 1\n")
        << fields;
  }
}

TEST(HttpEndpoint, HeadHasTheLengthAndNoBody) {
  const auto endpoint = Start({});
  EXPECT_EQ(Exchange(endpoint->port(), "HEAD /metrics HTTP/1.0\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
            "Connection: close\r\n\r\n");
}

TEST(HttpEndpoint, BodiesAndOtherMethodsAreRefused) {
  const auto endpoint = Start({});
  const auto status = [&](const std::string& request) {
    return Exchange(endpoint->port(), request).substr(0, 12);
  };
  EXPECT_EQ(status("POST /metrics HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"), "HTTP/1.1 405");
  EXPECT_EQ(status("TRACE /metrics HTTP/1.1\r\nConnection: close\r\n\r\n"), "HTTP/1.1 405");
  EXPECT_EQ(status("BREW /metrics HTTP/1.1\r\nConnection: close\r\n\r\n"), "HTTP/1.1 405");
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"), "HTTP/1.1 413");
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n"),
            "HTTP/1.1 413");
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"),
            "HTTP/1.1 400");
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde"),
            "HTTP/1.1 413");
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(status("hello\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(status(std::string("GET /\0 HTTP/1.1\r\n\r\n", 19)), "HTTP/1.1 400");
}

// Requests that come together are answered one after the other, also behind one that is refused.
TEST(HttpEndpoint, RequestsOnOneConnectionAreAnsweredInTurn) {
  const auto endpoint = Start({});
  std::string requests;
  for (int i = 0; i < 100; ++i)
    requests += "GET /livez HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n";
  requests += "GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\nGET /livez HTTP/1.1\r\n\r\n";
  const std::string answers = Exchange(endpoint->port(), requests);
  EXPECT_EQ(CountOf("\r\n\r\nlives", answers), 100U);
  EXPECT_EQ(CountOf("\r\n\r\nup 1\n", answers), 100U);
  EXPECT_EQ(CountOf("HTTP/1.1 404 Not Found", answers), 1U);
}

// Otherwise a second auditor would be silent about its own findings.
TEST(HttpEndpoint, ATakenPortIsToldWithItsAddress) {
  const auto first = Start({});
  const auto second = HttpEndpoint::Start({.address = "127.0.0.1", .port = first->port()}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr("127.0.0.1:" + std::to_string(first->port())));
}

// Two such connections were enough to have a supervisor kill a sound process.
TEST(HttpEndpoint, HalfRequestsDelayNobody) {
  const auto endpoint = Start({.request_timeout = milliseconds(60000)});
  const Crowd half = Connect(endpoint->port(), 40, "GET /metrics HTTP/1.1\r\nX: ");
  for (const char* path : {"/livez", "/readyz", "/metrics"}) {
    EXPECT_THAT(Get(endpoint->port(), path), HasSubstr("HTTP/1.1 ")) << path;
  }
  for (const auto& connection : half) EXPECT_FALSE(connection->IsClosed());
}

TEST(HttpEndpoint, SlowClientsAreCutOff) {
  const auto endpoint = Start({.request_timeout = milliseconds(100)});
  const Connection slow(endpoint->port());
  slow.Send("GET /metrics HTTP/1.1\r\nX: ");
  EXPECT_EQ(slow.ReadAll(), "");
}

TEST(HttpEndpoint, AnIdleConnectionIsClosedInTheEnd) {
  const auto endpoint = Start({.idle_timeout = milliseconds(100)});
  EXPECT_THAT(Exchange(endpoint->port(), "GET /livez HTTP/1.1\r\n\r\n"),
              ::testing::EndsWith("lives"));
}

// However many scrape a page that takes long, probes are answered, and the page is not made for
// each.
TEST(HttpEndpoint, ASlowPageDelaysNoProbe) {
  std::promise<void> release;
  std::atomic<int> rendered = 0;
  auto pages = Pages();
  pages["/metrics"].render = [&, released = release.get_future().share()] {
    ++rendered;
    released.wait();
    return HttpReply{.body = "slow"};
  };
  const auto endpoint = Start({}, pages);
  const Crowd scrapers =
      Connect(endpoint->port(), 20, "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(Get(endpoint->port(), "/livez"), HasSubstr("lives"));
  EXPECT_THAT(Get(endpoint->port(), "/readyz"), HasSubstr("recovering"));
  release.set_value();
  for (const auto& scraper : scrapers) EXPECT_THAT(scraper->ReadAll(), HasSubstr("slow"));
  EXPECT_LE(rendered, 2);
}

TEST(HttpEndpoint, ConnectionsAreCountedAndTheOldestIdleOnesClosed) {
  const auto endpoint = Start({.max_connections = 16, .request_timeout = milliseconds(60000)});
  const Crowd idle = Connect(endpoint->port(), 300, "");
  for (int i = 0; i < 20; ++i) EXPECT_THAT(Get(endpoint->port(), "/livez"), HasSubstr("lives"));
  EXPECT_GE(std::ranges::count_if(idle, [](const auto& c) { return c->IsClosed(); }), 300 - 16);
}

// Who holds many connections drives out its own.
TEST(HttpEndpoint, ACrowdFromOneAddressLeavesOthersTheirConnections) {
  const auto endpoint = Start({.max_connections = 16, .request_timeout = milliseconds(60000)});
  const Connection other(endpoint->port());
  const Crowd crowd = Connect(endpoint->port(), 300, "GET /livez HTTP/1.1\r\n", "127.0.0.2");
  EXPECT_THAT(Get(endpoint->port(), "/livez"), HasSubstr("lives"));
  EXPECT_FALSE(other.IsClosed());
  other.Send("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(other.ReadAll(), HasSubstr("lives"));
}

// Each of them may hold a page of its own: the bytes are counted, and the oldest reader given up.
TEST(HttpEndpoint, ReadersThatStallHoldLittleAndDelayNobody) {
  constexpr size_t kPageBytes = size_t{8} << 20;
  auto pages = Pages();
  std::atomic<int> rendered = 0;
  pages["/metrics"].render = [&] {
    return HttpReply{.body = std::string(kPageBytes, static_cast<char>('a' + ++rendered % 26))};
  };
  const auto endpoint = Start({.max_answer_bytes = 2 * kPageBytes}, pages);
  Crowd readers;
  for (int i = 0; i < 12; ++i) {
    readers.push_back(std::make_unique<Connection>(endpoint->port()));
    readers.back()->Send("GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(Get(endpoint->port(), "/livez"), HasSubstr("lives"));
    EXPECT_THAT(Get(endpoint->port(), "/readyz"), HasSubstr("recovering"));
    while (rendered <= i) std::this_thread::yield();
  }
  EXPECT_GT(Get(endpoint->port(), "/metrics").size(), kPageBytes);
  const auto whole = std::ranges::count_if(
      readers, [](const auto& reader) { return reader->ReadAll().size() > kPageBytes; });
  EXPECT_LE(whole, 3);
}

TEST(HttpEndpoint, EndlessHeadersAreNotRead) {
  const auto endpoint = Start({.max_request_bytes = 4096, .request_timeout = milliseconds(60000)});
  const Connection noisy(endpoint->port());
  noisy.Send("GET /metrics HTTP/1.1\r\n");
  bool open = true;
  for (int i = 0; open && i < 1000000; ++i)
    open = noisy.Send("X-Header: " + std::to_string(i) + "\r\n");
  EXPECT_FALSE(open);
  std::string many = "GET /metrics HTTP/1.1\r\n";
  for (int i = 0; i < 2000; ++i) many += "A:\r\n";
  EXPECT_THAT(Exchange(endpoint->port(), many), HasSubstr("HTTP/1.1 431"));
  EXPECT_THAT(Exchange(endpoint->port(), "GET /" + std::string(8000, 'a')),
              HasSubstr("HTTP/1.1 431"));
}

TEST(HttpEndpoint, StopsAtOnceWhateverItsClientsDo) {
  auto endpoint = Start({.request_timeout = milliseconds(60000)});
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
  const auto endpoint = Start({.tls = {files.server_certificate(), files.server_key(), ""}});
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

// The client's certificate is asked for, and its authority may be replaced, as may the server's.
TEST(HttpEndpoint, TlsFilesAreFollowedAndClientsChecked) {
  const testing::Certificates files;
  const testing::Certificates others;
  const auto endpoint =
      Start({.tls = {files.server_certificate(), files.server_key(), files.authorities()}});
  const auto served = [&](const testing::Certificates& server, const std::string& certificate,
                          const std::string& key) {
    httplib::SSLClient client("localhost", endpoint->port(), certificate, key);
    client.set_ca_cert_path(server.authorities().c_str());
    client.enable_server_certificate_verification(true);
    const auto page = client.Get("/livez");
    return page && page->body == "lives";
  };
  const auto by = [&](const testing::Certificates& server, const testing::Certificates& client) {
    return served(server, client.client_certificate(), client.client_key());
  };
  EXPECT_TRUE(by(files, files));
  EXPECT_FALSE(by(files, others));
  EXPECT_FALSE(served(files, "", ""));
  EXPECT_FALSE(served(files, files.server_certificate(), files.server_key()))
      << "it is not for clients";

  testing::Overwrite(files.server_certificate(), "no certificate");
  EXPECT_TRUE(by(files, files)) << "wrong files leave the old ones served";
  testing::Overwrite(files.server_certificate(), testing::ContentOf(others.server_certificate()));
  testing::Overwrite(files.server_key(), testing::ContentOf(others.server_key()));
  EXPECT_TRUE(by(others, files));
  testing::Overwrite(files.authorities(), testing::ContentOf(others.authorities()));
  EXPECT_TRUE(by(others, others));
  EXPECT_FALSE(by(others, files));
}

TEST(HttpEndpoint, AFailedTlsFileIsNamed) {
  const auto endpoint = HttpEndpoint::Start(
      {.address = "127.0.0.1", .tls = {"/nowhere/a.pem", "/nowhere/b.pem", ""}}, {});
  ASSERT_FALSE(endpoint.ok());
  EXPECT_EQ(endpoint.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(endpoint.status().message(), HasSubstr("/nowhere/"));
}

}  // namespace
}  // namespace immudb
