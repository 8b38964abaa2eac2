// SPDX-License-Identifier: Apache-2.0
//
// A server in the process of the test, on a free port and a directory of its own, and clients of
// it.
#pragma once

#include <google/protobuf/empty.pb.h>
#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "immudb/types.h"
#include "immudb/verify.h"
#include "schema.pb.h"
#include "server/server.h"
#include "support/temp_dir.h"

namespace immudb::testing {

using google::protobuf::Empty;
using google::protobuf::Message;

// What came back of one call besides the response.
struct CallResult {
  grpc::Status status;
  std::multimap<std::string, std::string> headers;  // the server's initial metadata

  bool ok() const { return status.ok(); }
};

// One connection. Calls methods of ImmuService by name, which is all that a stub does; the test
// names the right messages. Thread-safe but for the members.
class Client {
 public:
  explicit Client(const std::string& target);

  CallResult Call(std::string_view method, const Message& request, Message* response) const;
  // Of any service, by its full path.
  CallResult CallPath(const std::string& path, const Message& request, Message* response) const;

  // The value of `authorization` metadata; empty: none is sent.
  std::string authorization;

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
};

class ServerTest : public ::testing::Test {
 protected:
  // The options of the next Start().
  ServerOptions options;

  ServerTest();

  // Fails the test if the server does not start.
  void Start();
  void Stop();
  // Start(), and the client is logged in as the system administrator.
  void StartAndLogin();

  std::string Target() const;
  Client Connect() const { return Client(Target()); }
  // The token, or the test fails.
  std::string Login(const std::string& user, const std::string& password);

  // With the client below.
  CallResult Call(std::string_view method, const Message& request, Message* response) const {
    return client->Call(method, request, response);
  }
  // The index that was answered, or the test fails.
  uint64_t MustWrite(std::string_view method, const Message& request) const;
  uint64_t MustSet(const std::string& key, const std::string& value) const;

  TempDir directory;
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
};

// As ServerTest, running, and logged in.
class RunningServerTest : public ServerTest {
 protected:
  RunningServerTest() { StartAndLogin(); }
};

const nlohmann::json& Vectors();
std::string FromHex(const nlohmann::json& hex);
Digest DigestOf(std::string_view bytes);

// Checks a proof with the public verifier: the leaf against the entry, inclusion in (at, root).
void ExpectProves(const schema::Proof& proof, std::string_view key, std::string_view value);
// Checks that the tree of the proof continues the tree (index, root).
void ExpectConsistent(const schema::Proof& proof, uint64_t old_index, std::string_view old_root);

// "k0", "k1", ...
std::string NumberedKey(uint64_t number);

schema::Key KeyOf(std::string_view key);
schema::KeyValue KeyValueOf(std::string_view key, std::string_view value);
schema::Index IndexOf(uint64_t index);
schema::StructuredKeyValue StructuredOf(std::string_view key, uint64_t timestamp,
                                        std::string_view payload);
schema::ReferenceOptions ReferenceOf(std::string_view name, std::string_view key);
schema::ZAddOptions MemberOf(std::string_view set, double score, std::string_view key);

// Keys of the items, in their order.
template <typename List>
std::vector<std::string> KeysOf(const List& list) {
  std::vector<std::string> keys;
  for (const auto& item : list.items()) keys.push_back(item.key());
  return keys;
}

}  // namespace immudb::testing

// A failed call with exactly this code and text.
#define EXPECT_STATUS(result, code, text)                               \
  do {                                                                  \
    const auto immudb_call_ = (result);                                 \
    EXPECT_EQ(immudb_call_.status.error_code(), grpc::StatusCode::code) \
        << immudb_call_.status.error_message();                         \
    EXPECT_EQ(immudb_call_.status.error_message(), text);               \
  } while (false)

#define EXPECT_CALL_OK(result)                                             \
  do {                                                                     \
    const auto immudb_call_ = (result);                                    \
    EXPECT_TRUE(immudb_call_.ok()) << immudb_call_.status.error_message(); \
  } while (false)
