// SPDX-License-Identifier: Apache-2.0
//
// Start, what is served besides our methods, shutdown, restart.
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

using std::chrono::seconds;

class LifecycleTest : public ServerTest {
 protected:
  // Of a second server with these options.
  static Status StartError(const ServerOptions& options) {
    auto second = Server::Start(options);
    return second.ok() ? Status::Ok() : second.status();
  }
  // grpc.health.v1: 1 is SERVING, 2 NOT_SERVING. Its two messages look like these two on the wire.
  uint64_t HealthOf(const std::string& service) const {
    schema::Index status;
    EXPECT_CALL_OK(client->CallPath("/grpc.health.v1.Health/Check", KeyOf(service), &status));
    return status.index();
  }
  std::string Uuid() const {
    schema::HealthResponse health;
    return client->Call("Health", Empty(), &health).headers.find("immudb-uuid")->second;
  }
};

TEST_F(LifecycleTest, RestartKeepsDataAndIdentityAndEndsTokens) {
  StartAndLogin();
  MustSet("k", "v");
  schema::Root before;
  EXPECT_CALL_OK(Call("CurrentRoot", Empty(), &before));
  const std::string uuid = Uuid();
  const std::string token = client->authorization;
  Stop();

  Start();
  EXPECT_EQ(Uuid(), uuid);
  client->authorization = token;
  schema::Item item;
  EXPECT_STATUS(Call("Get", KeyOf("k"), &item), UNAUTHENTICATED, "please login first");
  client->authorization = Login("immudb", "immudb");
  EXPECT_CALL_OK(Call("Get", KeyOf("k"), &item));
  EXPECT_EQ(item.value(), "v");
  schema::Root after;
  EXPECT_CALL_OK(Call("CurrentRoot", Empty(), &after));
  EXPECT_EQ(after.root(), before.root());
}

TEST_F(LifecycleTest, ChangedAdminPasswordOptionDoesNotChangeThePassword) {
  StartAndLogin();
  Stop();
  options.admin_password = "Another!1";
  Start();
  EXPECT_NE(Login("immudb", "immudb"), "");
}

TEST_F(LifecycleTest, SecondServerOnTheSameDirectoryIsRefused) {
  Start();
  const Status refused = StartError(options);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(refused.message(), "dir: " + options.directory + " is in use by another immudb server");
}

TEST_F(LifecycleTest, SecondServerOnTheSamePortIsRefused) {
  Start();
  ServerOptions second = options;
  second.directory = directory.File("other");
  second.port = server->port();
  EXPECT_EQ(
      StartError(second).message(),
      "cannot listen on 127.0.0.1:" + std::to_string(second.port) + ": Address already in use");
}

TEST_F(LifecycleTest, WrongOptionsAreNamed) {
  ServerOptions wrong = options;
  wrong.default_database = "No-Good";
  EXPECT_EQ(StartError(wrong).message().rfind("dbname: ", 0), 0U);
  wrong = options;
  wrong.network = "udp";
  EXPECT_EQ(StartError(wrong).message().rfind("network: ", 0), 0U);
  wrong = options;
  wrong.port = 70'000;
  EXPECT_EQ(StartError(wrong).message().rfind("port: ", 0), 0U);
  wrong = options;
  wrong.address = "no such host";
  EXPECT_EQ(StartError(wrong).message().rfind("cannot listen on no such host:0: ", 0), 0U);
  wrong = options;
  wrong.admin_password = "";
  EXPECT_EQ(StartError(wrong).message().rfind("admin-password: ", 0), 0U);
  wrong = options;
  wrong.directory = "/proc/immudb";
  const std::string message = StartError(wrong).message();
  EXPECT_EQ(message.rfind("dir: ", 0), 0U) << message;
  EXPECT_NE(message.find("/proc/immudb"), std::string::npos);
}

// The system database has the identity too: clients' trusted roots go on.
TEST_F(LifecycleTest, ADamagedIdentifierIsWrittenAnewAsItWas) {
  Start();
  Stop();
  const std::string path = options.directory + "/defaultdb/immudb.identifier";
  const auto identity = [&] {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string before = identity();
  EXPECT_EQ(before.size(), 12U);
  std::ofstream(path, std::ios::trunc) << "short";
  Start();
  Stop();
  EXPECT_EQ(identity(), before);
}

TEST_F(LifecycleTest, UnixSocketIsServedAndItsPeersAreLocal) {
  options.network = "unix";
  options.address = directory.File("immudb.sock");
  options.auth = false;
  Start();
  EXPECT_EQ(MustSet("k", "v"), 0U);
  ServerOptions second = options;
  second.directory = directory.File("other");
  EXPECT_NE(StartError(second).message().find("Address already in use"), std::string::npos);
}

TEST_F(LifecycleTest, DefaultDatabaseCanBeNamed) {
  options.default_database = "mydb";
  StartAndLogin();
  MustSet("k", "v");
  EXPECT_TRUE(std::filesystem::exists(options.directory + "/mydb/immudb.identifier"));
}

TEST_F(LifecycleTest, StandardHealthServiceSaysServing) {
  Start();
  EXPECT_EQ(HealthOf(""), 1U);
  EXPECT_EQ(HealthOf("immudb.schema.ImmuService"), 1U);
}

TEST_F(LifecycleTest, ReflectionListsTheService) {
  Start();
  grpc::GenericStub stub(client->channel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(30));
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  stream->StartCall(nullptr);
  ASSERT_TRUE(wait());
  const grpc::Slice list_services("\x3a\x01*");  // field 7, one byte
  stream->Write(grpc::ByteBuffer(&list_services, 1), nullptr);
  ASSERT_TRUE(wait());
  grpc::ByteBuffer answer;
  stream->Read(&answer, nullptr);
  ASSERT_TRUE(wait());
  grpc::Slice bytes;
  ASSERT_TRUE(answer.DumpToSingleSlice(&bytes).ok());
  const std::string text(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  EXPECT_NE(text.find("immudb.schema.ImmuService"), std::string::npos);
}

TEST_F(LifecycleTest, UnservedMethodsAreUnimplemented) {
  StartAndLogin();
  Empty empty;
  EXPECT_EQ(Call("NoSuchMethod", empty, &empty).status.error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(LifecycleTest, MessageOverTheLimitIsRefusedAndTheConnectionGoesOn) {
  options.max_message_bytes = 64 << 10;
  StartAndLogin();
  schema::Index index;
  EXPECT_EQ(Call("Set", KeyValueOf("k", std::string(65 << 10, 'v')), &index).status.error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(MustSet("k", std::string(50 << 10, 'v')), 0U);
}

TEST_F(LifecycleTest, UnreadableMessageIsRefused) {
  StartAndLogin();
  schema::Proof proof;
  // On the wire: a SafeSetOptions whose kv is no KeyValue.
  EXPECT_FALSE(Call("SafeSet", KeyOf("\xff\xff\xff"), &proof).ok());
  EXPECT_EQ(MustSet("k", "v"), 0U);
}

TEST_F(LifecycleTest, ShutdownIsIdempotentAndCallsFailAfterwards) {
  StartAndLogin();
  Stop();
  schema::HealthResponse health;
  EXPECT_FALSE(client->Call("Health", Empty(), &health).ok());
  Start();
  EXPECT_TRUE(server->Shutdown(seconds(0)).ok());
  EXPECT_TRUE(server->Shutdown(seconds(0)).ok());
}

// What a client was told is stored must be there after the restart, whenever the stop came.
TEST_F(LifecycleTest, ShutdownWithCallsInFlightLosesNoAcknowledgedWrite) {
  StartAndLogin();
  constexpr int kWriters = 8;
  std::atomic<int> acknowledged{0};
  std::vector<uint64_t> highest(kWriters, 0);
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      Client own(Target());
      own.authorization = client->authorization;
      schema::Index index;
      schema::Item item;
      while (own.Call("Set", KeyValueOf("k", "v"), &index).ok()) {
        highest[w] = index.index();
        ++acknowledged;
        if (!own.Call("Get", KeyOf("k"), &item).ok()) break;
      }
    });
  }
  while (acknowledged < 200) std::this_thread::yield();
  EXPECT_TRUE(server->Shutdown(seconds(5)).ok());
  for (std::thread& writer : writers) writer.join();
  server.reset();

  StartAndLogin();
  schema::Root root;
  EXPECT_CALL_OK(Call("CurrentRoot", Empty(), &root));
  for (const uint64_t index : highest) EXPECT_LE(index, root.index());
  EXPECT_GE(root.index() + 1, static_cast<uint64_t>(acknowledged));
}

}  // namespace
}  // namespace immudb::testing
