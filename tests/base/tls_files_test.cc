// SPDX-License-Identifier: Apache-2.0
//
// What is told of TLS files before they are used; and generate.sh, which makes them.
#include "base/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "support/certificates.h"

namespace immudb::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::time_t kDay = 24 * 3600;

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsPaths Paths() const {
    return {certificates.server_certificate(), certificates.server_key(),
            certificates.authorities()};
  }
  // The message for these paths; empty: they are right.
  static std::string Check(const TlsPaths& paths) {
    const auto pem = ReadTlsFiles(paths);
    return pem.ok() ? CheckTls(paths, *pem).message() : pem.status().message();
  }
  static void Run(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT: no other thread
  }
  const Certificates certificates;
};

TEST_F(TlsFilesTest, EachCombinationOfUseIsRight) {
  const TlsPaths all = Paths();
  EXPECT_EQ(Check(all), "");
  EXPECT_EQ(Check({all.certificate, all.key, ""}), "");
  EXPECT_EQ(Check({"", "", all.authorities}), "");
  EXPECT_EQ(Check({"", "", ""}), "");
  EXPECT_THAT(Check({all.certificate, "", ""}), HasSubstr("together"));
}

// OpenSSL would ask on the terminal, and a daemon would hang there.
TEST_F(TlsFilesTest, AnEncryptedKeyIsRefusedWithoutAsking) {
  TlsPaths paths = Paths();
  const std::string encrypted = certificates.directory().File("encrypted.pem");
  Run("openssl pkcs8 -topk8 -passout pass:secret -in " + paths.key + " -out " + encrypted);
  paths.key = encrypted;
  EXPECT_THAT(Check(paths), AllOf(HasSubstr("pkey: " + encrypted), HasSubstr("encrypted")));
}

// The library refuses to serve it; without this check every connection would fail later.
TEST_F(TlsFilesTest, AKeyThatIsTooShortIsRefused) {
  TlsPaths paths = Paths();
  const std::string key = certificates.directory().File("short.key");
  const std::string certificate = certificates.directory().File("short.pem");
  Run("openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=short -keyout " + key + " -out " +
      certificate + " 2>/dev/null");
  paths.key = key;
  paths.certificate = certificate;
  EXPECT_THAT(Check(paths), HasSubstr("certificate: " + certificate + ": ee key too small"));
}

TEST_F(TlsFilesTest, CertificatesOutOfTheirTimeAreWarnedOfOnly) {
  const TlsPaths paths = Paths();
  const auto pem = ReadTlsFiles(paths);
  ASSERT_TRUE(pem.ok());
  const std::time_t now = std::time(nullptr);
  EXPECT_THAT(ValidityWarnings(paths, *pem, now + kDay), IsEmpty());
  const auto later = ValidityWarnings(paths, *pem, now + 400 * kDay);
  ASSERT_THAT(later, SizeIs(1));  // the intermediate authority lives on
  EXPECT_THAT(later[0], AllOf(HasSubstr("certificate: " + paths.certificate),
                              HasSubstr("CN = localhost expired on ")));
  EXPECT_THAT(ValidityWarnings(paths, *pem, now - kDay),
              ::testing::Each(HasSubstr("is not valid before ")));
}

TEST_F(TlsFilesTest, GenerateNeverOverwritesUnlessForced) {
  const std::string before = ContentOf(certificates.server_certificate());
  const std::string authorities = ContentOf(certificates.authorities());
  std::string output;
  EXPECT_EQ(certificates.Generate({}, &output), 1);
  EXPECT_THAT(output, AllOf(HasSubstr(certificates.server_certificate()), HasSubstr("--force")));
  EXPECT_EQ(ContentOf(certificates.server_certificate()), before);
  EXPECT_EQ(certificates.Generate({"--force"}), 0);
  EXPECT_NE(ContentOf(certificates.server_certificate()), before);
  EXPECT_EQ(ContentOf(certificates.authorities()), authorities);
}

TEST_F(TlsFilesTest, GenerateKeepsKeysToTheirOwner) {
  using std::filesystem::perms;
  for (const auto& key :
       {certificates.server_key(), certificates.client_key(),
        certificates.directory().File("1_root/private/ca.key.pem"),
        certificates.directory().File("2_intermediate/private/intermediate.key.pem")}) {
    EXPECT_EQ(std::filesystem::status(key).permissions(), perms::owner_read | perms::owner_write)
        << key;
  }
}

TEST_F(TlsFilesTest, GenerateRefusesWhatItDoesNotUnderstand) {
  std::string output;
  EXPECT_EQ(certificates.Generate({"--days=x"}, &output), 2);
  EXPECT_THAT(output, HasSubstr("--days"));
  EXPECT_EQ(certificates.Generate({"--froce"}, &output), 2);
  EXPECT_THAT(output, HasSubstr("--froce"));
  EXPECT_EQ(certificates.Generate({"a/../b"}, &output), 2);
  EXPECT_THAT(output, HasSubstr("a/../b"));
}

}  // namespace
}  // namespace immudb::testing
