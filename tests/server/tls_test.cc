// SPDX-License-Identifier: Apache-2.0
//
// TLS as it goes over the wire: who gets a connection, with which protocol and certificate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>

#include "server/server.h"
#include "support/certificates.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Offer {
  std::string certificate = {};  // empty: none is shown
  std::string key = {};
  int newest_protocol = TLS1_3_VERSION;
};

struct Answer {
  bool served = false;      // the server began to speak HTTP/2
  std::string certificate;  // of the server, as PEM; empty: none came
  std::string error;
};

std::string PemOf(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(bio.get(), certificate);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

// One connection that goes as far as the first byte of the server. It believes every server.
Answer Shake(int port, const Offer& offer) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  // Else this side would not offer the old protocols.
  SSL_CTX_set_cipher_list(context.get(), "DEFAULT@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), offer.newest_protocol);
  if (!offer.certificate.empty()) {
    SSL_CTX_use_certificate_chain_file(context.get(), offer.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), offer.key.c_str(), SSL_FILETYPE_PEM);
  }
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_ssl_connect(context.get()),
                                                          BIO_free_all);
  BIO_set_conn_hostname(bio.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
  SSL* ssl = nullptr;
  BIO_get_ssl(bio.get(), &ssl);
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl, kHttp2, sizeof(kHttp2));
  ERR_clear_error();
  Answer answer;
  char byte = 0;
  answer.served = BIO_do_handshake(bio.get()) == 1 && BIO_read(bio.get(), &byte, 1) == 1;
  if (X509* peer = SSL_get0_peer_certificate(ssl)) answer.certificate = PemOf(peer);
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  answer.error = reason == nullptr ? "" : reason;
  ERR_clear_error();
  return answer;
}

class Tls : public ::testing::Test {
 protected:
  Tls() {
    ::signal(SIGPIPE, SIG_IGN);  // a server that refuses closes while we write
    options.directory = directory.File("data");
    options.address = "127.0.0.1";
    options.port = 0;
    options.tls = TlsFiles{certificates.server_certificate(), certificates.server_key(),
                           certificates.authorities()};
  }
  void Start() {
    auto started = Server::Start(options);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server = *std::move(started);
  }
  Offer OwnOffer() const { return {certificates.client_certificate(), certificates.client_key()}; }
  Answer Shake(const Offer& offer) const { return testing::Shake(server->port(), offer); }

  const Certificates certificates;
  TempDir directory;
  ServerOptions options;
  std::unique_ptr<Server> server;
};

// The file has the certificate first, then its chain.
bool IsServed(const Answer& answer, const std::string& file_content) {
  return answer.served && !answer.certificate.empty() && file_content.find(answer.certificate) == 0;
}

TEST_F(Tls, OnlyClientsOfTheAuthorityGetThrough) {
  Start();
  const Answer own = Shake(OwnOffer());
  EXPECT_TRUE(IsServed(own, ContentOf(options.tls->certificate))) << own.error;
  EXPECT_FALSE(Shake({}).served);
  const Certificates foreign;
  EXPECT_FALSE(Shake({foreign.client_certificate(), foreign.client_key()}).served);
  // A certificate of the right authority, made for servers.
  EXPECT_FALSE(Shake({certificates.server_certificate(), certificates.server_key()}).served);
}

TEST_F(Tls, WithoutAuthoritiesNoCertificateIsAskedFor) {
  options.tls->client_authorities.clear();
  Start();
  EXPECT_TRUE(Shake({}).served);
}

TEST_F(Tls, NothingOlderThanTls12IsSpoken) {
  Start();
  Offer offer = OwnOffer();
  offer.newest_protocol = TLS1_1_VERSION;
  const Answer refused = Shake(offer);
  EXPECT_FALSE(refused.served);
  EXPECT_EQ(refused.certificate, "");
  // The control: it is the server that refuses, not this client that does not offer.
  EXPECT_THAT(refused.error, Not(HasSubstr("no protocols available")));
  offer.newest_protocol = TLS1_2_VERSION;
  EXPECT_TRUE(Shake(offer).served);
}

// A certificate is renewed while the server runs.
TEST_F(Tls, ReplacedFilesAreServedToTheNextConnection) {
  Start();
  const std::string old = ContentOf(options.tls->certificate);
  ASSERT_TRUE(IsServed(Shake(OwnOffer()), old));
  certificates.MustGenerate({"--force"});
  const std::string renewed = ContentOf(options.tls->certificate);
  ASSERT_NE(old, renewed);
  EXPECT_TRUE(IsServed(Shake(OwnOffer()), renewed));
}

TEST_F(Tls, ReplacedAuthoritiesDecideFromThenOn) {
  Start();
  const Certificates other;
  const Offer theirs{other.client_certificate(), other.client_key()};
  ASSERT_FALSE(Shake(theirs).served);
  Overwrite(options.tls->client_authorities, ContentOf(other.authorities()));
  EXPECT_TRUE(Shake(theirs).served);
  EXPECT_FALSE(Shake(OwnOffer()).served);
}

// Half of a renewal, or a wrong file, must not take the service down.
TEST_F(Tls, WrongFilesLeaveTheOldOnesServed) {
  Start();
  const TlsFiles& files = *options.tls;
  const std::string old = ContentOf(files.certificate);
  const std::string old_key = ContentOf(files.key);
  const std::string old_authorities = ContentOf(files.client_authorities);
  ASSERT_TRUE(IsServed(Shake(OwnOffer()), old));

  certificates.MustGenerate({"other"});
  Overwrite(files.certificate, ContentOf(certificates.server_certificate("other")));
  EXPECT_TRUE(IsServed(Shake(OwnOffer()), old)) << "certificate without its key";
  Overwrite(files.certificate, "no certificate");
  EXPECT_TRUE(IsServed(Shake(OwnOffer()), old)) << "garbage";
  Overwrite(files.certificate, old.substr(0, old.size() / 4));
  EXPECT_TRUE(IsServed(Shake(OwnOffer()), old)) << "half written";
  std::filesystem::remove(files.key);
  EXPECT_TRUE(IsServed(Shake(OwnOffer()), old)) << "removed";
  Overwrite(files.certificate, old);
  Overwrite(files.key, old_key);
  Overwrite(files.client_authorities, "");
  EXPECT_TRUE(IsServed(Shake(OwnOffer()), old)) << "no authorities";
  EXPECT_FALSE(Shake({}).served) << "no authorities";

  Overwrite(files.client_authorities, old_authorities);
  Overwrite(files.certificate, ContentOf(certificates.server_certificate("other")));
  Overwrite(files.key, ContentOf(certificates.server_key("other")));
  EXPECT_TRUE(IsServed(Shake(OwnOffer()), ContentOf(files.certificate))) << "the right pair";
}

// What is wrong is told at the start, with option and file, before a data directory is made.
TEST_F(Tls, AStartWithWrongFilesNamesThem) {
  const TlsFiles good = *options.tls;
  const std::string garbage = directory.File("garbage.pem");
  Overwrite(garbage, "no PEM");
  certificates.MustGenerate({"other"});
  const auto expect = [&](const TlsFiles& files, const std::string& text) {
    options.tls = files;
    const auto started = Server::Start(options);
    ASSERT_FALSE(started.ok()) << text;
    EXPECT_THAT(started.status().message(), HasSubstr(text));
    EXPECT_THAT(started.status().message(), Not(HasSubstr("\n")));
    EXPECT_FALSE(std::filesystem::exists(options.directory));
  };
  expect({"/nowhere/c.pem", good.key, ""},
         "certificate: cannot open /nowhere/c.pem: No such file or directory");
  expect({good.certificate, "/nowhere/k.pem", ""}, "pkey: cannot open /nowhere/k.pem: No such");
  expect({good.certificate, good.key, "/nowhere/a.pem"}, "clientcas: cannot open /nowhere/a.pem");
  expect({garbage, good.key, ""}, "certificate: " + garbage + ": no PEM certificate in it");
  expect({good.certificate, garbage, ""}, "pkey: " + garbage + ": no PEM private key in it");
  expect({good.certificate, good.key, garbage},
         "clientcas: " + garbage + ": no PEM certificate in it");
  expect({good.certificate, certificates.server_key("other"), ""},
         "pkey: " + certificates.server_key("other") + ": does not belong to the certificate " +
             good.certificate);
  expect({good.certificate, "", ""}, "needs certificate and pkey");
}

}  // namespace
}  // namespace immudb::testing
