// SPDX-License-Identifier: Apache-2.0
//
// What scripts see of immuclient: text to the space, stream and exit code.
#include <gmock/gmock.h>
#include <grpcpp/support/status_code_enum.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "client/client_test_util.h"
#include "client/fake_server.h"
#include "commands/output.h"
#include "immuclient/app.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

using testing::HasSubstr;

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

class Immuclient : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);  // NOLINT(concurrency-mt-unsafe): before any other thread
    ::tzset();
  }
  Ended Call(const std::vector<std::string>& arguments, const std::string& input = "") {
    Surroundings around;
    around.environment = {{"IMMUCLIENT_IMMUDB_PORT", std::to_string(server_.port())},
                          {"IMMUCLIENT_TOKENFILE", directory_ / "token"},
                          {"IMMUCLIENT_DIR", directory_.path()}};
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunImmuclient(arguments, around, in, out, err);
    return {code, out.str(), err.str()};
  }
  std::string Hash(uint64_t index, const std::string& key, const std::string& value) {
    return ToHex(LeafDigest({index}, key, value));
  }
  TemporaryDirectory directory_;
  FakeServer server_;
};

TEST_F(Immuclient, GetShowsTheItemBlock) {
  const std::string value = EncodeStructured({1598659200, "100%s"});
  server_.Append("k", value);
  const Ended run = Call({"get", "k"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out, "index:\t\t0 \nkey:\t\tk \nvalue:\t\t100%s \nhash:\t\t" + Hash(0, "k", value) +
                         " \ntime:\t\t2020-08-29 00:00:00 +0000 UTC \n\n");
  EXPECT_EQ(Call({"g", "k", "--value-only"}).out, "100%s\n\n");
}

TEST_F(Immuclient, SetStoresAStructuredValueAndShowsIt) {
  const Ended run = Call({"set", "k", "hello"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("value:\t\thello \n"));
  EXPECT_EQ(Call({"get", "k"}).out, run.out);
}

TEST_F(Immuclient, VerifiedCommandsSaySo) {
  const Ended set = Call({"safeset", "k", "v"});
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_THAT(set.out, HasSubstr(" \nverified:\ttrue \n\n"));
  EXPECT_EQ(Call({"sg", "k"}).out, set.out);
  EXPECT_TRUE(std::filesystem::exists(directory_ / ".root-9m4e2mr0ui3e8a215n4g"));
}

TEST_F(Immuclient, RawCommandsShowTheLeafAndNoInventedTime) {
  const Ended set = Call({"rawsafeset", "k", "v"});
  EXPECT_EQ(set.out, "index:\t\t0 \nkey:\t\tk \nvalue:\t\tv \nhash:\t\t" + Hash(0, "k", "v") +
                         " \nverified:\ttrue \n\n");
  EXPECT_EQ(Call({"rg", "k"}).out, set.out);
}

TEST_F(Immuclient, TamperingIsShownAndEndsWithThree) {
  ASSERT_EQ(Call({"safeset", "k", "v"}).code, 0);
  ASSERT_EQ(Call({"safeset", "k2", "v"}).code, 0);
  const std::string trusted = FileContent(directory_ / ".root-9m4e2mr0ui3e8a215n4g");
  server_.Rewrite(0, EncodeStructured({1, "forged"}));
  const Ended run = Call({"safeget", "k"});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(run.out, HasSubstr("verified:\tfalse \n"));
  EXPECT_THAT(run.err, HasSubstr("verification failed"));
  EXPECT_EQ(FileContent(directory_ / ".root-9m4e2mr0ui3e8a215n4g"), trusted);
  server_.Alter([](schema::SafeItem* answer) { answer->mutable_proof()->clear_root(); });
  const Ended malformed = Call({"safeget", "k"});
  EXPECT_EQ(malformed.code, 3);
  EXPECT_THAT(malformed.err, HasSubstr("malformed proof"));
}

TEST_F(Immuclient, EveryKindOfFailureHasItsExitCode) {
  const Ended missing = Call({"get", "nothing"});
  EXPECT_EQ(missing.code, 4);
  EXPECT_EQ(missing.err, "key not found: nothing\n");
  EXPECT_EQ(missing.out, "");
  server_.FailNext(1, grpc::StatusCode::UNAUTHENTICATED, "please login first");
  EXPECT_EQ(Call({"get", "k"}).code, 5);
  server_.FailNext(1, grpc::StatusCode::PERMISSION_DENIED, "no");
  EXPECT_EQ(Call({"set", "k", "v"}).code, 5);
  server_.FailNext(1, grpc::StatusCode::INVALID_ARGUMENT, "invalid key");
  EXPECT_EQ(Call({"set", "k", "v"}).code, 1);
  server_.FailNext(1, grpc::StatusCode::UNAVAILABLE, "closing");
  EXPECT_EQ(Call({"set", "k", "v"}).code, 6);
  EXPECT_EQ(Call({"get"}).code, 2);
  EXPECT_EQ(Call({"fetch", "k"}).code, 2);
  EXPECT_EQ(Call({"get", "k", "--no-such-option"}).code, 2);
  EXPECT_EQ(Call({"get", "k", "--config=/nonexistent.toml"}).code, 1);
}

TEST_F(Immuclient, ListingsEndEachItemWithAnEmptyLine) {
  EXPECT_EQ(Call({"scan", "p"}).out, "0\n");
  EXPECT_EQ(Call({"history", "p"}).out, "No item found \n\n");
  server_.Append("p1", EncodeStructured({0, "a"}));
  server_.Append("p2", EncodeStructured({0, "b"}));
  const Ended scan = Call({"scn", "p", "--value-only"});
  EXPECT_EQ(scan.code, 0);
  EXPECT_EQ(scan.out, "a\n\nb\n\n\n");
  EXPECT_THAT(Call({"h", "p2"}).out, HasSubstr("index:\t\t1 \nkey:\t\tp2 \nvalue:\t\tb \n"));
}

TEST_F(Immuclient, CurrentAndStatus) {
  EXPECT_EQ(Call({"current"}).out, "immudb is empty\n\n");
  server_.Append("k", "v");
  EXPECT_EQ(Call({"crt"}).out, "index:\t\t0\nhash:\t\t" + ToHex(server_.Root()) + "\n\n");
  EXPECT_EQ(Call({"p"}).out, "Health check OK\n");
}

TEST_F(Immuclient, UseAndLogoutKeepTheTokenFile) {
  EXPECT_EQ(Call({"logout"}).out, "User not logged in.\n");
  EXPECT_EQ(Call({"use", "db1"}).out, "Now using db1\n");
  EXPECT_TRUE(std::filesystem::exists(directory_ / "token"));
  EXPECT_EQ(Call({"x"}).out, "Successfully logged out\n");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "token"));
}

TEST_F(Immuclient, HelpAndVersionNeedNoServer) {
  EXPECT_THAT(Call({"help"}).out, HasSubstr("safeset key [value|-]"));
  EXPECT_THAT(Call({"help", "sg"}).out, HasSubstr("immuclient safeget key"));
  EXPECT_THAT(Call({"version"}).out, testing::StartsWith("immuclient "));
}

TEST(TimeText, HasTheFormOfTheOriginalAndNeverFails) {
  EXPECT_EQ(TimeText(~uint64_t{0}), "18446744073709551615");
}

}  // namespace
}  // namespace immudb
