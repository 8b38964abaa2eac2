// SPDX-License-Identifier: Apache-2.0
#include "immudb/daemon_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "immudb/start_block.h"

namespace immudb {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<ServerOptions> Options(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCommandLine(DaemonProgram(), arguments, Surroundings{});
  if (!parsed.ok()) return parsed.status();
  return ToServerOptions(parsed->settings);
}

// The table and the struct must not drift apart.
TEST(DaemonOptions, DefaultsAreThoseOfTheServer) {
  const auto options = Options({});
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  const ServerOptions wanted;
  EXPECT_EQ(options->directory, wanted.directory);
  EXPECT_EQ(options->network, wanted.network);
  EXPECT_EQ(options->address, wanted.address);
  EXPECT_EQ(options->port, wanted.port);
  EXPECT_EQ(options->default_database, wanted.default_database);
  EXPECT_EQ(options->auth, wanted.auth);
  EXPECT_EQ(options->devmode, wanted.devmode);
  EXPECT_EQ(options->admin_password, wanted.admin_password);
  EXPECT_EQ(options->sync, wanted.sync);
  EXPECT_EQ(options->max_message_bytes, wanted.max_message_bytes);
  EXPECT_EQ(options->block_cache_bytes, wanted.block_cache_bytes);
  EXPECT_EQ(options->write_buffer_bytes, wanted.write_buffer_bytes);
  EXPECT_EQ(options->session_lifetime, wanted.session_lifetime);
  EXPECT_EQ(options->pollers, wanted.pollers);
  EXPECT_EQ(options->reader_threads, wanted.reader_threads);
  EXPECT_EQ(options->maintenance, wanted.maintenance);
  EXPECT_EQ(options->local_user_management, wanted.local_user_management);
  EXPECT_EQ(options->max_open_databases, wanted.max_open_databases);
  EXPECT_EQ(options->database_idle_timeout, wanted.database_idle_timeout);
  EXPECT_EQ(options->slow_log, wanted.slow_log);
  EXPECT_FALSE(options->update_config);
  EXPECT_THAT(options->version_text, testing::StartsWith("immudb "));
}

TEST(DaemonOptions, EveryFlagArrives) {
  const auto options = Options({"--dir=/d",
                                "--network=unix",
                                "-a",
                                "/s",
                                "-p",
                                "1",
                                "-n",
                                "db1",
                                "-s=false",
                                "--devmode",
                                "--sync=false",
                                "--max-message-size=1MiB",
                                "--session-lifetime=90s",
                                "--block-cache-size=2MiB",
                                "--write-buffer-size=3MiB",
                                "--pollers=2",
                                "--reader-threads=5",
                                "--maintenance",
                                "--local-user-management",
                                "--max-open-databases=4",
                                "--database-idle-timeout=1s",
                                "--slow-log=250us"});
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->directory, "/d");
  EXPECT_EQ(options->network, "unix");
  EXPECT_EQ(options->address, "/s");
  EXPECT_EQ(options->port, 1);
  EXPECT_EQ(options->default_database, "db1");
  EXPECT_FALSE(options->auth);
  EXPECT_TRUE(options->devmode);
  EXPECT_FALSE(options->sync);
  EXPECT_EQ(options->max_message_bytes, size_t{1} << 20);
  EXPECT_EQ(options->session_lifetime, std::chrono::seconds(90));
  EXPECT_EQ(options->block_cache_bytes, size_t{2} << 20);
  EXPECT_EQ(options->write_buffer_bytes, size_t{3} << 20);
  EXPECT_EQ(options->pollers, 2U);
  EXPECT_EQ(options->reader_threads, 5U);
  EXPECT_TRUE(options->maintenance);
  EXPECT_TRUE(options->local_user_management);
  EXPECT_EQ(options->max_open_databases, 4U);
  EXPECT_EQ(options->database_idle_timeout, std::chrono::seconds(1));
  EXPECT_EQ(options->slow_log, std::chrono::microseconds(250));
  EXPECT_EQ(Options({"--slow-log=0"})->slow_log, std::chrono::microseconds(0));
}

TEST(DaemonOptions, MtlsTakesThreeFilesWithTheDefaultsOfTheOriginal) {
  EXPECT_FALSE(Options({})->tls);
  const auto defaults = Options({"-m"});
  ASSERT_TRUE(defaults.ok() && defaults->tls);
  EXPECT_EQ(defaults->tls->certificate, "./tools/mtls/3_application/certs/localhost.cert.pem");
  EXPECT_EQ(defaults->tls->key, "./tools/mtls/3_application/private/localhost.key.pem");
  EXPECT_EQ(defaults->tls->client_authorities,
            "./tools/mtls/2_intermediate/certs/ca-chain.cert.pem");
  const auto chosen = Options({"--mtls", "--certificate=/c", "--pkey=/k", "--clientcas=/a"});
  ASSERT_TRUE(chosen.ok() && chosen->tls);
  EXPECT_EQ(chosen->tls->certificate, "/c");
  EXPECT_EQ(chosen->tls->key, "/k");
  EXPECT_EQ(chosen->tls->client_authorities, "/a");
}

TEST(DaemonOptions, CertificateAndKeyAloneAreTlsWithoutClientCertificates) {
  const auto options = Options({"--certificate=/c", "--pkey=/k"});
  ASSERT_TRUE(options.ok() && options->tls);
  EXPECT_EQ(options->tls->certificate, "/c");
  EXPECT_EQ(options->tls->key, "/k");
  EXPECT_EQ(options->tls->client_authorities, "");
}

// Who asks for TLS and forgets a part must not serve plain text.
TEST(DaemonOptions, HalfOfTlsIsRefusedWithWhatIsMissing) {
  EXPECT_THAT(Options({"--certificate=/c"}).status().message(),
              HasSubstr("option pkey: it is missing"));
  EXPECT_THAT(Options({"--pkey=/k"}).status().message(),
              HasSubstr("option certificate: it is missing"));
  EXPECT_THAT(Options({"--clientcas=/a"}).status().message(), HasSubstr("set mtls"));
  EXPECT_THAT(Options({"--certificate=/c", "--pkey=/k", "--clientcas=/a"}).status().message(),
              HasSubstr("set mtls"));
}

// Without authorities no client certificate would be asked for.
TEST(DaemonOptions, MtlsWithAnEmptyFileNameIsRefused) {
  const std::string file = testing::TempDir() + "immudb_mtls_empty.toml";
  std::ofstream(file) << "mtls = true\nclientcas = \"\"\n";
  EXPECT_THAT(Options({"--config", file}).status().message(),
              HasSubstr("option clientcas: mtls needs a file"));
  std::filesystem::remove(file);
}

// The original's configuration files name all three files beside `mtls = false`.
TEST(DaemonOptions, AllThreeFilesBesideMtlsFalseMeanPlainText) {
  const auto options = Options({"--mtls=false", "--certificate=/c", "--pkey=/k", "--clientcas=/a"});
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_FALSE(options->tls);
}

TEST(DaemonOptions, ThePasswordMayBeEncoded) {
  EXPECT_EQ(Options({"--admin-password=enc:U2VjcmV0MSE="})->admin_password, "Secret1!");
  EXPECT_EQ(Options({"--admin-password= Secret1! "})->admin_password, "Secret1!");
}

TEST(DaemonOptions, ABadPasswordIsRefusedWithoutBeingShown) {
  for (const char* text : {"enc:Secret1!", "enc:U2VjcmV0MSE", "enc:", "  "}) {
    const auto options = Options({std::string("--admin-password=") + text});
    EXPECT_EQ(options.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(options.status().message(), HasSubstr("admin-password"));
    EXPECT_THAT(options.status().message(), Not(HasSubstr("Secret1")));
    EXPECT_THAT(options.status().message(), Not(HasSubstr("U2Vj")));
  }
}

class PasswordFile : public testing::Test {
 protected:
  Result<ServerOptions> With(const std::string& content,
                             std::vector<std::string> arguments = {}) const {
    std::ofstream(path_) << content;
    arguments.push_back("--admin-password-file=" + path_);
    return Options(arguments);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  const std::string path_ = testing::TempDir() + "immudb_password_" + std::to_string(::getpid());
};

// Kubernetes and Docker hand out secrets as files; a password must arrive as it is.
TEST_F(PasswordFile, IsReadWithoutOneNewlineAtItsEnd) {
  EXPECT_EQ(With("Secret1!")->admin_password, "Secret1!");
  EXPECT_EQ(With("Secret1!\n")->admin_password, "Secret1!");
  EXPECT_EQ(With("Secret1!\r\n")->admin_password, "Secret1!");
  EXPECT_EQ(With(" Secret1! \n\n")->admin_password, " Secret1! \n");
  EXPECT_EQ(With("enc:U2VjcmV0MSE=\n")->admin_password, "Secret1!");
}

TEST_F(PasswordFile, ErrorsNameTheFileAndShowNothingOfIt) {
  for (const std::string& content :
       {std::string("\n"), std::string("enc:Secret1!"), "Secret1!" + std::string(4096, 'x')}) {
    const auto options = With(content);
    EXPECT_EQ(options.status().code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(options.status().message(), HasSubstr(path_));
    EXPECT_THAT(options.status().message(), Not(HasSubstr("Secret1")));
  }
  EXPECT_THAT(Options({"--admin-password-file=/nonexistent/p"}).status().message(),
              HasSubstr("/nonexistent/p"));
  EXPECT_EQ(With("Secret1!", {"--admin-password=Other2!"}).status().code(),
            StatusCode::kInvalidArgument);
}

std::vector<std::string> Warnings(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCommandLine(DaemonProgram(), arguments, Surroundings{});
  std::vector<std::string> texts;
  for (const auto& [text, grave] : StartWarnings(parsed->settings)) {
    texts.push_back((grave ? "grave: " : "") + text);
  }
  return texts;
}

TEST_F(PasswordFile, ThatOthersMayReadIsWarnedOf) {
  ASSERT_TRUE(With("Secret1!").ok());
  ::chmod(path_.c_str(), 0644);
  EXPECT_THAT(Warnings({"--admin-password-file=" + path_}),
              testing::ElementsAre(HasSubstr("may read the password in " + path_)));
  ::chmod(path_.c_str(), 0640);
  EXPECT_THAT(Warnings({"--admin-password-file=" + path_}), testing::IsEmpty());
}

TEST(DaemonOptions, DangerousSettingsAreWarnedOf) {
  EXPECT_THAT(Warnings({}), testing::IsEmpty());
  EXPECT_THAT(
      Warnings({"--auth=false"}),
      testing::ElementsAre(testing::StartsWith("authentication is off: everybody on this")));
  EXPECT_THAT(Warnings({"--auth=false", "--devmode"}),
              testing::ElementsAre(testing::StartsWith("grave: authentication is off")));
  EXPECT_THAT(Warnings({"--maintenance"}),
              testing::ElementsAre(testing::StartsWith("maintenance mode: everybody on this")));
  EXPECT_THAT(Warnings({"--maintenance", "--devmode"}),
              testing::ElementsAre(testing::StartsWith("maintenance mode: everybody on this")));
  EXPECT_THAT(Warnings({"--no-histograms", "--consistency-check=false"}), testing::IsEmpty());
}

// UpdateAuthConfig must write the file that the next start reads.
TEST(DaemonOptions, TheLoadedFileIsTheOneThatIsUpdated) {
  const std::string path =
      testing::TempDir() + "immudb_update_" + std::to_string(::getpid()) + ".toml";
  std::ofstream(path) << "auth = true # why\n";
  const auto options = Options({"--config", path});
  ASSERT_TRUE(options.ok() && options->update_config);
  EXPECT_TRUE(options->update_config("auth", "false").ok());
  EXPECT_FALSE(Options({"--config", path})->auth);
  std::filesystem::remove(path);
}

TEST(StartBlock, ShowsTheOptionsInTheFormThatScriptsRead) {
  const std::string text = StartBlock(ServerOptions{}, 40123, 0, {.config = "configs/immudb.toml"});
  EXPECT_THAT(text, HasSubstr("\n================ Config ================\n"
                              "Data dir        : ./data\n"
                              "Address         : 0.0.0.0:40123\n"
                              "Metrics address : off\n"
                              "Config file     : configs/immudb.toml\n"
                              "MTLS enabled    : false\n"
                              "Auth enabled    : true\n"
                              "Dev mode        : false\n"
                              "Default database: defaultdb\n"
                              "Maintenance mode: false\n"
                              "----------------------------------------\n"
                              "Superadmin default credentials\n"
                              "   Username     : immudb\n"
                              "   Password     : immudb\n"
                              "========================================\n"));
}

TEST(StartBlock, ShowsWhereTheMetricsAre) {
  const auto options = Options({});
  ASSERT_TRUE(options.ok() && options->metrics);
  EXPECT_EQ(options->metrics->port, 9497);
  EXPECT_THAT(StartBlock(*options, 1, 9497, {}),
              HasSubstr("Metrics address : 0.0.0.0:9497/metrics\n"));
  EXPECT_FALSE(Options({"--metrics-server=false"})->metrics);
}

TEST(DaemonOptions, TheMetricsAreWhereTheServerIsUnlessToldOtherwise) {
  EXPECT_EQ(Options({"--address", "::1"})->metrics->address, "::1");
  EXPECT_EQ(Options({"--address", "::1", "--metrics-address", "10.0.0.1"})->metrics->address,
            "10.0.0.1");
  EXPECT_EQ(Options({"--network", "unix", "--address", "/run/immudb.sock"})->metrics->address,
            "127.0.0.1");
  EXPECT_FALSE(Options({"--no-histograms"})->metrics->histograms);
}

TEST(StartBlock, ShowsTheFilesOfTheProcessOnlyIfSet) {
  const auto text = StartBlock(ServerOptions{}, 1, 0, {.pid = "/run/i.pid", .log = "/log/i.log"});
  EXPECT_THAT(text, HasSubstr("Config file     : none\n"
                              "PID file        : /run/i.pid\n"
                              "Log file        : /log/i.log\n"
                              "MTLS enabled    : "));
}

TEST(StartBlock, NeverShowsAChosenPassword) {
  ServerOptions options;
  options.admin_password = "Secret1!";
  const std::string text = StartBlock(options, 1, 0, {});
  EXPECT_THAT(text, HasSubstr("   Password     : ********\n"));
  EXPECT_THAT(text, Not(HasSubstr("Secret1!")));
}

TEST(StartBlock, SaysWhichTlsIsServed) {
  ServerOptions options;
  options.tls = TlsFiles{"/c", "/k", "/a"};
  EXPECT_THAT(StartBlock(options, 1, 0, {}), HasSubstr("MTLS enabled    : true\nAuth"));
  options.tls->client_authorities.clear();
  EXPECT_THAT(StartBlock(options, 1, 0, {}),
              HasSubstr("MTLS enabled    : false\nTLS enabled     : true\nAuth"));
}

TEST(StartBlock, ShowsSocketsAndIpv6AsTheyAreDialled) {
  ServerOptions options;
  options.address = "::1";
  EXPECT_THAT(StartBlock(options, 5, 0, {}), HasSubstr("Address         : [::1]:5\n"));
  options.network = "unix";
  options.address = "/run/immudb.sock";
  EXPECT_THAT(StartBlock(options, 0, 0, {}),
              HasSubstr("Address         : unix:/run/immudb.sock\n"));
}

TEST(ReadyLine, IsPlainWithoutATerminal) {
  EXPECT_EQ(ReadyLine(false),
            "You can now use immuadmin and immuclient CLIs to login with the immudb superadmin "
            "user and start using immudb.\n");
  EXPECT_THAT(ReadyLine(true), HasSubstr("\x1b["));
}

}  // namespace
}  // namespace immudb
