// SPDX-License-Identifier: Apache-2.0
//
// Connection, session, errors and repetition of the client.
#include "immudb/client.h"

#include <gmock/gmock.h>
#include <grpcpp/support/status_code_enum.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "client/client_test_util.h"
#include "client/fake_server.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class ClientCalls : public testing::Test {
 protected:
  ClientOptions Options(const FakeServer& server) const {
    ClientOptions options;
    options.port = server.port();
    options.token_file = directory_ / "token";
    options.root_directory = directory_.path();
    return options;
  }
  std::unique_ptr<Client> Connect() const {
    auto client = Client::Connect(Options(server_));
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    return *std::move(client);
  }
  TemporaryDirectory directory_;
  FakeServer server_;
};

TEST_F(ClientCalls, ADeadServerIsUnavailableAndNamed) {
  ClientOptions options;
  {
    const FakeServer gone;
    options = Options(gone);
  }
  options.connect_timeout = milliseconds(300);
  const auto client = Client::Connect(options);
  EXPECT_EQ(client.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(client.status().message(), HasSubstr("127.0.0.1:" + std::to_string(options.port)));
}

TEST_F(ClientCalls, TheServerIsKnownByItsUuid) {
  EXPECT_EQ(Connect()->server_uuid(), "9m4e2mr0ui3e8a215n4g");
  const FakeServer nameless("");
  EXPECT_EQ((*Client::Connect(Options(nameless)))->server_uuid(), "");
}

// The uuid becomes part of a file name: a server must not choose the file.
TEST_F(ClientCalls, AUuidThatIsAPathIsRefused) {
  const FakeServer hostile("../../etc/passwd");
  EXPECT_EQ(Client::Connect(Options(hostile)).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ClientCalls, TheSessionIsKeptInTheTokenFile) {
  {
    const auto client = Connect();
    const auto warning = client->Login("immudb", "secret");
    ASSERT_TRUE(warning.ok());
    EXPECT_EQ(*warning, "change it");
    EXPECT_EQ(client->database(), "");
    ASSERT_TRUE(client->UseDatabase("db1").ok());
    EXPECT_EQ(server_.authorization(), "Bearer token-of-immudb");
  }
  const auto client = Connect();
  EXPECT_EQ(client->database(), "db1");
  ASSERT_TRUE(client->Set("k", "v").ok());
  EXPECT_EQ(server_.authorization(), "Bearer token-for-db1");
  ASSERT_TRUE(client->Logout().ok());
  EXPECT_FALSE(std::filesystem::exists(directory_ / "token"));
  ASSERT_TRUE(client->Set("k", "v").ok());
  EXPECT_EQ(server_.authorization(), "");
}

TEST_F(ClientCalls, PlainCallsCarryTheirData) {
  const auto client = Connect();
  EXPECT_EQ(client->Set("a", "1")->value, 0U);
  EXPECT_EQ(client->Set("a", "2")->value, 1U);
  EXPECT_EQ(client->Get("a")->value, "2");
  EXPECT_EQ(client->Get("a")->index.value, 1U);
  const auto history = client->History("a");
  ASSERT_EQ(history->size(), 2U);
  EXPECT_EQ(history->front().value, "2");
  EXPECT_TRUE(client->History("b")->empty());
  EXPECT_EQ(client->Scan({.prefix = "a"})->size(), 2U);
  EXPECT_EQ((*client->CurrentRoot())->hash, server_.Root());
  EXPECT_EQ(client->SetBatch({}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(client->Health()->version, "fake 1");
}

TEST_F(ClientCalls, AnEmptyDatabaseHasNoRoot) {
  EXPECT_FALSE(*Connect()->CurrentRoot());
}

TEST_F(ClientCalls, GrpcCodesBecomeOurs) {
  const auto client = Connect();
  using G = grpc::StatusCode;
  using S = StatusCode;
  for (const auto& [theirs, ours] :
       std::initializer_list<std::pair<G, S>>{{G::INVALID_ARGUMENT, S::kInvalidArgument},
                                              {G::NOT_FOUND, S::kNotFound},
                                              {G::ALREADY_EXISTS, S::kAlreadyExists},
                                              {G::PERMISSION_DENIED, S::kPermissionDenied},
                                              {G::UNAUTHENTICATED, S::kUnauthenticated},
                                              {G::FAILED_PRECONDITION, S::kFailedPrecondition},
                                              {G::RESOURCE_EXHAUSTED, S::kResourceExhausted},
                                              {G::UNAVAILABLE, S::kUnavailable},
                                              {G::DATA_LOSS, S::kDataLoss},
                                              {G::INTERNAL, S::kInternal},
                                              {G::UNKNOWN, S::kUnknown}}) {
    server_.FailNext(1, theirs, "why");
    const auto result = client->Set("k", "v");
    EXPECT_EQ(result.status(), Status(ours, "why")) << static_cast<int>(theirs);
  }
}

TEST_F(ClientCalls, ReadsAreRepeatedWhileTheServerIsUnavailable) {
  const auto client = Connect();
  ASSERT_TRUE(client->Set("k", "v").ok());
  const int before = server_.calls();
  server_.FailNext(2, grpc::StatusCode::UNAVAILABLE, "restarting");
  EXPECT_TRUE(client->Get("k").ok());
  EXPECT_EQ(server_.calls() - before, 3);
}

// The first attempt may have been done: a second one would be a second entry.
TEST_F(ClientCalls, WritesAreNeverRepeated) {
  const auto client = Connect();
  const int before = server_.calls();
  server_.FailNext(1, grpc::StatusCode::UNAVAILABLE, "restarting");
  EXPECT_EQ(client->Set("k", "v").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(server_.calls() - before, 1);
}

TEST_F(ClientCalls, OtherErrorsOfReadsAreNotRepeated) {
  const auto client = Connect();
  const int before = server_.calls();
  EXPECT_EQ(client->Get("k").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(server_.calls() - before, 1);
}

TEST_F(ClientCalls, RepetitionEndsWithTheTimeOfTheCall) {
  ClientOptions options = Options(server_);
  options.call_timeout = milliseconds(200);
  const auto client = Client::Connect(options);
  server_.FailNext(1000, grpc::StatusCode::UNAVAILABLE, "restarting");
  EXPECT_EQ((*client)->Get("k").status().code(), StatusCode::kUnavailable);
}

TEST_F(ClientCalls, VerifiedReadsAreRepeatedAndVerifiedWritesAreNot) {
  const auto client = Connect();
  ASSERT_TRUE(client->SafeSet("k", "v").ok());
  server_.FailNext(1, grpc::StatusCode::UNAVAILABLE, "restarting");
  EXPECT_TRUE(client->SafeGet("k").ok());
  server_.FailNext(1, grpc::StatusCode::UNAVAILABLE, "restarting");
  EXPECT_EQ(client->SafeSet("k", "w").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(server_.size(), 1U);
}

// A server that hangs must not hang its clients.
TEST_F(ClientCalls, EveryCallEndsInTime) {
  ClientOptions options = Options(server_);
  options.call_timeout = milliseconds(200);
  const auto client = *Client::Connect(options);
  server_.Append("a", "1");
  server_.Append("b", "2");
  server_.Stall();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(client->Get("a").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(client->Set("a", "2").status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(client->SafeGet("a").status().code(), StatusCode::kUnavailable);
  uint64_t seen = 0;
  const auto dump = client->Dump([&](const DumpRecord& /*record*/) {
    ++seen;
    return Status::Ok();
  });
  EXPECT_EQ(dump.status().code(), StatusCode::kUnavailable) << dump.status().ToString();
  EXPECT_EQ(seen, 1U);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(4 * 200));
  server_.Release();
  EXPECT_EQ(client->Get("b")->value, "2");
  EXPECT_TRUE(client->Dump([](const DumpRecord& /*record*/) { return Status::Ok(); }).ok());
}

TEST_F(ClientCalls, LargeAnswersAreTakenUpToTheBound) {
  const auto client = Connect();
  server_.Append("large", std::string(size_t{20} << 20, 'x'));
  EXPECT_EQ(client->Get("large")->value.size(), size_t{20} << 20);
  server_.Append("larger", std::string(size_t{33} << 20, 'x'));
  EXPECT_EQ(client->Get("larger").status().code(), StatusCode::kResourceExhausted);
}

// One Client, many threads: each gets its own answers.
TEST_F(ClientCalls, OneClientServesManyThreads) {
  const auto client = Connect();
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, key = std::to_string(t)] {
      for (int i = 0; i < 20; ++i) {
        const std::string value = key + '.' + std::to_string(i);
        if (!client->SafeSet(key, value).ok()) ++failures;
        const auto plain = client->Get(key);
        const auto proven = client->SafeGet(key);
        if (!plain.ok() || plain->value != value) ++failures;
        if (!proven.ok() || proven->item.value != value) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

TEST_F(ClientCalls, ADamagedTokenFileIsNamed) {
  WriteFile(directory_ / "token", "v2.public.something");
  EXPECT_THAT(Client::Connect(Options(server_)).status().message(),
              HasSubstr(directory_ / "token"));
}

}  // namespace
}  // namespace immudb
