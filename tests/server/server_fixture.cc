// SPDX-License-Identifier: Apache-2.0
#include "server/server_fixture.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <vector>

namespace immudb::testing {
namespace {

constexpr char kService[] = "/immudb.schema.ImmuService/";
// No call of a test takes so long unless it hangs.
constexpr std::chrono::seconds kCallDeadline{30};

}  // namespace

Client::Client(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  channel_ = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

CallResult Client::Call(std::string_view method, const Message& request, Message* response) const {
  return CallPath(kService + std::string(method), request, response);
}

CallResult Client::CallPath(const std::string& path, const Message& request,
                            Message* response) const {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  if (!authorization.empty()) context.AddMetadata("authorization", authorization);
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
  CallResult result;
  result.status = grpc::internal::BlockingUnaryCall<Message, Message>(channel_.get(), rpc, &context,
                                                                      request, response);
  for (const auto& [key, value] : context.GetServerInitialMetadata()) {
    result.headers.emplace(std::string(key.data(), key.size()),
                           std::string(value.data(), value.size()));
  }
  return result;
}

ServerTest::ServerTest() {
  options.directory = directory.File("data");
  options.address = "127.0.0.1";
  options.port = 0;
  options.version_text = "immudb 0.0.0-test";
}

void ServerTest::Start() {
  auto started = Server::Start(options);
  ASSERT_TRUE(started.ok()) << started.status().ToString();
  server = *std::move(started);
  client = std::make_unique<Client>(Target());
}

void ServerTest::Stop() {
  const Status stopped = server->Shutdown(std::chrono::seconds(5));
  EXPECT_TRUE(stopped.ok()) << stopped.ToString();
  server.reset();
}

void ServerTest::StartAndLogin() {
  Start();
  if (server == nullptr || !options.auth) return;
  client->authorization = "Bearer " + Login("immudb", options.admin_password);
}

std::string ServerTest::Target() const {
  return options.network == "unix" ? "unix:" + options.address
                                   : "127.0.0.1:" + std::to_string(server->port());
}

std::string ServerTest::Login(const std::string& user, const std::string& password) {
  schema::LoginRequest request;
  request.set_user(user);
  request.set_password(password);
  schema::LoginResponse response;
  EXPECT_CALL_OK(Call("Login", request, &response));
  return response.token();
}

uint64_t ServerTest::MustWrite(std::string_view method, const Message& request) const {
  schema::Index index;
  EXPECT_CALL_OK(Call(method, request, &index));
  return index.index();
}

uint64_t ServerTest::MustSet(const std::string& key, const std::string& value) const {
  return MustWrite("Set", KeyValueOf(key, value));
}

const nlohmann::json& Vectors() {
  static const nlohmann::json vectors = nlohmann::json::parse(std::ifstream(IMMUDB_TEST_VECTORS));
  return vectors;
}

std::string FromHex(const nlohmann::json& hex) {
  const auto text = hex.get<std::string>();
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

Digest DigestOf(std::string_view bytes) {
  Digest digest{};
  EXPECT_EQ(bytes.size(), digest.size());
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

namespace {

template <typename Repeated>
ProofPath PathOf(const Repeated& hashes) {
  ProofPath path;
  for (const auto& hash : hashes) path.push_back(DigestOf(hash));
  return path;
}

}  // namespace

void ExpectProves(const schema::Proof& proof, std::string_view key, std::string_view value) {
  const LeafIndex index{proof.index()};
  EXPECT_EQ(DigestOf(proof.leaf()), LeafDigest(index, key, value));
  const Status verified = VerifyInclusion(index, TreeEndingAt({proof.at()}), DigestOf(proof.leaf()),
                                          PathOf(proof.inclusionpath()), DigestOf(proof.root()));
  EXPECT_TRUE(verified.ok()) << verified.ToString();
}

void ExpectConsistent(const schema::Proof& proof, uint64_t old_index, std::string_view old_root) {
  const Status verified =
      VerifyConsistency(TreeEndingAt({old_index}), DigestOf(old_root), TreeEndingAt({proof.at()}),
                        DigestOf(proof.root()), PathOf(proof.consistencypath()));
  EXPECT_TRUE(verified.ok()) << verified.ToString();
}

std::string NumberedKey(uint64_t number) {
  return std::string("k").append(std::to_string(number));
}

schema::Key KeyOf(std::string_view key) {
  schema::Key message;
  message.set_key(std::string(key));
  return message;
}

schema::KeyValue KeyValueOf(std::string_view key, std::string_view value) {
  schema::KeyValue message;
  message.set_key(std::string(key));
  message.set_value(std::string(value));
  return message;
}

schema::Index IndexOf(uint64_t index) {
  schema::Index message;
  message.set_index(index);
  return message;
}

schema::StructuredKeyValue StructuredOf(std::string_view key, uint64_t timestamp,
                                        std::string_view payload) {
  schema::StructuredKeyValue message;
  message.set_key(std::string(key));
  message.mutable_value()->set_timestamp(timestamp);
  message.mutable_value()->set_payload(std::string(payload));
  return message;
}

schema::ReferenceOptions ReferenceOf(std::string_view name, std::string_view key) {
  schema::ReferenceOptions message;
  message.set_reference(std::string(name));
  message.set_key(std::string(key));
  return message;
}

schema::ZAddOptions MemberOf(std::string_view set, double score, std::string_view key) {
  schema::ZAddOptions message;
  message.set_set(std::string(set));
  message.set_score(score);
  message.set_key(std::string(key));
  return message;
}

}  // namespace immudb::testing
