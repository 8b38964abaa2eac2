// SPDX-License-Identifier: Apache-2.0
//
// The SDK and immuclient against a server that speaks TLS: what gets through, and what a user is
// told otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "client/client_test_util.h"
#include "immuclient/app.h"
#include "immudb/client.h"
#include "server/server.h"
#include "support/certificates.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

using ::testing::AllOf;
using testing::Certificates;
using ::testing::HasSubstr;

Result<ClientOptions> Options(const std::vector<std::string>& arguments) {
  const ProgramSpec program{.name = "immuclient", .options = ConnectionOptions()};
  const auto parsed = ParseCommandLine(program, arguments, Surroundings{});
  if (!parsed.ok()) return parsed.status();
  return ToClientOptions(parsed->settings);
}

class ClientTls : public ::testing::Test {
 protected:
  // `name`: whose certificate is served.
  void Start(bool mutual, const std::string& name = "localhost") {
    ServerOptions options;
    options.directory = directory_ / "data";
    options.address = "127.0.0.1";
    options.port = 0;
    options.tls = TlsFiles{certificates_.server_certificate(name), certificates_.server_key(name),
                           mutual ? certificates_.authorities() : ""};
    auto server = Server::Start(options);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
  }
  TlsOptions Mutual() const {
    return {certificates_.authorities(), certificates_.client_certificate(),
            certificates_.client_key(), "localhost"};
  }
  TlsOptions ServerOnly() const { return {.authorities = certificates_.authorities()}; }

  Result<std::unique_ptr<Client>> Connect(const std::optional<TlsOptions>& tls) const {
    ClientOptions options;
    options.port = server_ == nullptr ? 1 : server_->port();
    options.tls = tls;
    options.token_file = "";
    options.root_directory = directory_ / "roots";
    options.connect_timeout = std::chrono::milliseconds(1000);
    return Client::Connect(options);
  }
  // Of a connection that must not come about.
  std::string Refusal(const std::optional<TlsOptions>& tls) const {
    const auto client = Connect(tls);
    EXPECT_EQ(client.status().code(), StatusCode::kUnavailable) << client.status().ToString();
    return client.status().message();
  }

  const Certificates certificates_;
  TemporaryDirectory directory_;
  std::unique_ptr<Server> server_;
};

TEST_F(ClientTls, MutualTlsCarriesVerifiedCalls) {
  Start(true);
  const auto client = Connect(Mutual());
  ASSERT_TRUE(client.ok()) << client.status().ToString();
  ASSERT_TRUE((*client)->Login("immudb", "immudb").ok());
  ASSERT_TRUE((*client)->UseDatabase("defaultdb").ok());
  ASSERT_TRUE((*client)->SafeSet("k", "v").ok());
  EXPECT_EQ((*client)->SafeGet("k")->item.value, "v");
}

// The name that is dialled is the one that is checked, unless another one is asked for.
TEST_F(ClientTls, TheServerAloneMayShowACertificate) {
  Start(false);
  const auto client = Connect(ServerOnly());
  EXPECT_TRUE(client.ok()) << client.status().ToString();
  TlsOptions named = ServerOnly();
  named.server_name = "localhost";
  EXPECT_TRUE(Connect(named).ok());
  EXPECT_TRUE(Connect(Mutual()).ok()) << "a certificate that nobody asks for does no harm";
}

TEST_F(ClientTls, ARefusalSaysWhatIsWrong) {
  Start(true);
  EXPECT_THAT(Refusal(ServerOnly()), HasSubstr("the server demands a client certificate"));
  TlsOptions other_name = Mutual();
  other_name.server_name = "db1.example.com";
  EXPECT_THAT(Refusal(other_name),
              HasSubstr("the server's certificate is not for db1.example.com"));
  const Certificates foreign;
  TlsOptions stranger = Mutual();
  stranger.certificate = foreign.client_certificate();
  stranger.key = foreign.client_key();
  EXPECT_THAT(Refusal(stranger), HasSubstr("does not accept the client certificate"));
  TlsOptions distrustful = Mutual();
  distrustful.authorities = foreign.authorities();
  EXPECT_THAT(Refusal(distrustful), HasSubstr("the server's certificate is not accepted"));
  // No authorities: those of the system, which know nothing of ours.
  EXPECT_THAT(Refusal(TlsOptions{}), HasSubstr("the server's certificate is not accepted"));
}

TEST_F(ClientTls, PlainTextAndTlsNoticeEachOther) {
  Start(false);
  EXPECT_THAT(Refusal(std::nullopt), HasSubstr("the server speaks TLS"));
  ServerOptions plain;
  plain.directory = directory_ / "plain";
  plain.address = "127.0.0.1";
  plain.port = 0;
  auto server = Server::Start(plain);
  ASSERT_TRUE(server.ok()) << server.status().ToString();
  server_ = *std::move(server);
  EXPECT_THAT(Refusal(ServerOnly()), HasSubstr("the server does not speak TLS"));
}

// "unavailable" would send the user looking at the network.
TEST_F(ClientTls, WrongFilesAreNamedBeforeDialling) {
  const std::string garbage = directory_ / "garbage.pem";
  WriteFile(garbage, "no PEM");
  const auto expect = [&](const TlsOptions& tls, const std::string& text) {
    const Status status = Connect(tls).status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.ToString();
    EXPECT_THAT(status.message(), HasSubstr(text));
  };
  TlsOptions tls = Mutual();
  tls.authorities = "/nowhere.pem";
  expect(tls, "clientcas: cannot open /nowhere.pem");
  tls = Mutual();
  tls.certificate = garbage;
  expect(tls, "certificate: " + garbage);
  tls = Mutual();
  tls.key = certificates_.server_key();
  expect(tls, "pkey: " + tls.key + ": does not belong to the certificate " + tls.certificate);
  tls = Mutual();
  tls.key = "";
  expect(tls, "together");
}

TEST_F(ClientTls, ImmuclientTakesTheSameFiles) {
  Start(true);
  const auto run = [&](std::vector<std::string> arguments) {
    Surroundings around;
    around.environment = {{"IMMUCLIENT_IMMUDB_PORT", std::to_string(server_->port())},
                          {"IMMUCLIENT_TOKENFILE", directory_ / "token"},
                          {"IMMUCLIENT_CERTIFICATE", certificates_.client_certificate()},
                          {"IMMUCLIENT_PKEY", certificates_.client_key()},
                          {"IMMUCLIENT_CLIENTCAS", certificates_.authorities()}};
    std::ostringstream out;
    std::ostringstream err;
    arguments.insert(arguments.begin(), "status");
    const int code = RunImmuclient(arguments, around, std::cin, out, err);
    return std::to_string(code) + ": " + out.str() + err.str();
  };
  EXPECT_EQ(run({"-m"}), "0: Health check OK\n");
  EXPECT_THAT(run({"-m", "--pkey=/nowhere.pem"}),
              HasSubstr("1: pkey: cannot open /nowhere.pem: No such file"));
  EXPECT_THAT(run({}), AllOf(HasSubstr("2: "), HasSubstr("set mtls")));
}

// Otherwise any server of the same authority could stand in for the one that was meant.
TEST_F(ClientTls, ProgramsDemandACertificateForTheHostThatTheyDial) {
  const auto dial = [&](std::vector<std::string> arguments, std::chrono::seconds patience) {
    arguments.insert(arguments.end(),
                     {"-m", "--certificate", certificates_.client_certificate(), "--pkey",
                      certificates_.client_key(), "--clientcas", certificates_.authorities()});
    auto options = Options(arguments);
    EXPECT_TRUE(options.ok()) << options.status().ToString();
    options->port = server_->port();
    options->token_file = "";
    options->root_directory = directory_ / "roots";
    options->connect_timeout = patience;
    return Client::Connect(*options).status();
  };
  constexpr std::chrono::seconds kRefused{1};
  constexpr std::chrono::seconds kAccepted{30};
  certificates_.MustGenerate({"db1.example"});
  Start(true, "db1.example");
  EXPECT_THAT(dial({}, kRefused).message(), HasSubstr("certificate is not for 127.0.0.1"));
  EXPECT_THAT(dial({"-a", "localhost"}, kRefused).message(), HasSubstr("option servername"));
  EXPECT_TRUE(dial({"--servername=db1.example"}, kAccepted).ok());
  server_.reset();
  certificates_.MustGenerate({"127.0.0.1"});
  Start(true, "127.0.0.1");
  EXPECT_TRUE(dial({}, kAccepted).ok());
  EXPECT_THAT(dial({"--servername=127.0.0.2"}, kRefused).message(),
              HasSubstr("is not for 127.0.0.2"));
}

TEST(ConnectionOptions, DefaultsAreThoseOfTheOriginalButForTheName) {
  const auto plain = Options({});
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->address, "127.0.0.1");
  EXPECT_EQ(plain->port, 3322);
  EXPECT_FALSE(plain->tls);
  const auto mutual = Options({"-m", "-a", "db1", "-p", "5"});
  ASSERT_TRUE(mutual.ok() && mutual->tls);
  EXPECT_EQ(mutual->address, "db1");
  EXPECT_EQ(mutual->port, 5);
  EXPECT_EQ(mutual->tls->certificate, "./tools/mtls/4_client/certs/localhost.cert.pem");
  EXPECT_EQ(mutual->tls->key, "./tools/mtls/4_client/private/localhost.key.pem");
  EXPECT_EQ(mutual->tls->authorities, "./tools/mtls/2_intermediate/certs/ca-chain.cert.pem");
  EXPECT_EQ(mutual->tls->server_name, "") << "that of the host";
}

TEST(ConnectionOptions, AuthoritiesAloneVerifyTheServerOnly) {
  const auto options = Options({"--clientcas=/a", "--servername=db1"});
  ASSERT_TRUE(options.ok() && options->tls);
  EXPECT_EQ(options->tls->authorities, "/a");
  EXPECT_EQ(options->tls->server_name, "db1");
  EXPECT_EQ(options->tls->certificate, "");
  EXPECT_EQ(options->tls->key, "");
}

// A forgotten mtls must not send a password in plain text.
TEST(ConnectionOptions, ACertificateWithoutMtlsIsRefusedUnlessMtlsIsFalse) {
  EXPECT_EQ(Options({"--certificate=/c", "--pkey=/k"}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(Options({"--certificate=/c", "--pkey=/k", "--clientcas=/a"}).status().code(),
            StatusCode::kInvalidArgument);
  const auto sample = Options({"--mtls=false", "--certificate=/c", "--pkey=/k", "--clientcas=/a"});
  ASSERT_TRUE(sample.ok());
  EXPECT_FALSE(sample->tls);
}

}  // namespace
}  // namespace immudb
