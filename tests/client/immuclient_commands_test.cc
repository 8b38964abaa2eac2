// SPDX-License-Identifier: Apache-2.0
//
// Every command in every form of output, as scripts see it.
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "client/immuclient_live.h"
#include "commands/output.h"
#include "immuclient/commands.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kTime = 1598659200;
constexpr char kTimeLine[] = "time:\t\t2020-08-29 00:00:00 +0000 UTC";

std::string HashOf(uint64_t index, const std::string& key, const std::string& value) {
  return ToHex(LeafDigest({index}, key, value));
}

class ClientCommands : public LiveImmuclient {
 protected:
  // Entry 0: "k" = "100%s" of a known time.
  void SetUp() override {
    LiveImmuclient::SetUp();
    ASSERT_TRUE(client_->Set("k", stored_).ok());
  }
  const std::string stored_ = EncodeStructured({kTime, "100%s"});
  const std::string hash_ = HashOf(0, "k", stored_);
  const std::string object_ = "{\"index\":0,\"key\":\"k\",\"value\":\"100%s\",\"hash\":\"" + hash_ +
                              "\",\"time\":1598659200}";
};

TEST_F(ClientCommands, GetInEveryForm) {
  EXPECT_EQ(Call({"get", "k"}).out, "index:\t\t0 \nkey:\t\tk \nvalue:\t\t100%s \nhash:\t\t" +
                                        hash_ + " \n" + kTimeLine + " \n\n");
  EXPECT_EQ(Call({"get", "k", "--output", "json"}).out, object_ + '\n');
  EXPECT_EQ(Call({"get", "k", "--output=jsonl"}).out, object_ + '\n');
  EXPECT_EQ(Call({"get", "k", "--output=raw"}).out, "100%s");
  EXPECT_EQ(Call({"get", "k", "--value-only"}).out, "100%s\n\n");
  EXPECT_EQ(Call({"get", "k", "--value-only", "--output=json"}).out, "{\"value\":\"100%s\"}\n");
  EXPECT_EQ(Call({"GET", "6b", "--hex", "--output=raw"}).out, "3130302573");
  environment_["IMMUCLIENT_OUTPUT"] = "raw";
  EXPECT_EQ(Call({"get", "aw==", "--base64"}).out, "MTAwJXM=");
}

TEST_F(ClientCommands, VerifiedReadsSaySoInJsonToo) {
  const Json json = Json::parse(Call({"safeget", "k", "--output=json"}).out);
  EXPECT_EQ(json["verified"], true);
  EXPECT_EQ(json["value"], "100%s");
  const Json raw = Json::parse(Call({"rg", "k", "--output=json"}).out);
  EXPECT_EQ(raw["value_base64"].is_null(), IsUtf8(stored_));
  EXPECT_FALSE(raw.contains("time"));
  EXPECT_EQ(Call({"rg", "k", "--output=raw"}).out, stored_);
}

TEST_F(ClientCommands, EntriesByIndex) {
  EXPECT_EQ(Call({"getbyindex", "0"}).out,
            "index:\t\t0\nkey:\t\tk\nvalue:\t\ttimestamp:1598659200 payload:\"100%s\"\nhash:\t\t" +
                hash_ + '\n' + kTimeLine + "\n\n");
  EXPECT_EQ(Call({"bi", "0", "--output=jsonl"}).out, object_ + '\n');
  EXPECT_EQ(Call({"brsi", "0", "--output=raw"}).out, stored_);
  EXPECT_THAT(Call({"getRawBySafeIndex", "0"}).out, HasSubstr(hash_ + " \nverified:\ttrue \n\n"));
  const Ended missing = Call({"bi", "7"});
  EXPECT_EQ(missing.code, 4);
  EXPECT_EQ(missing.err, "no item exists in index:7\n");
  const Ended wrong = Call({"bi", "x"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err, "\"x\" is not a valid index number\n");
}

// Whatever a value holds: it arrives to the last byte.
TEST_F(ClientCommands, ValuesComeFromArgumentInputAndFile) {
  const std::string bytes("a\0\xff\r\n", 5);
  WriteFile(directory_ / "value", bytes);
  EXPECT_EQ(Call({"set", "in", "-"}, bytes).code, 0);
  EXPECT_EQ(Call({"get", "in", "--output=raw"}).out, bytes);
  EXPECT_EQ(Call({"safeset", "file", "--value-file", directory_ / "value"}).code, 0);
  EXPECT_EQ(Call({"get", "file", "--output=raw"}).out, bytes);
  EXPECT_EQ(Call({"rawsafeset", "6869", "6100ff0d0a", "--hex"}).code, 0);
  EXPECT_EQ(client_->Get("hi")->value, bytes);
  EXPECT_EQ(Json::parse(Call({"get", "hi", "--output=json"}).out)["value_base64"], "YQD/DQo=");
  EXPECT_EQ(Call({"set", "empty", "-"}, "").code, 0);
  EXPECT_EQ(Call({"set", "k"}).code, 2);
  EXPECT_EQ(Call({"set", "k", "v", "--value-file", directory_ / "value"}).code, 2);
  const Ended missing = Call({"set", "k", "--value-file", directory_ / "nothing"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("nothing: No such file"));
  EXPECT_EQ(Call({"set", "xyz", "00", "--hex"}).err, "key is not hexadecimal\n");
}

TEST_F(ClientCommands, ReferencesShowNameAndKey) {
  EXPECT_EQ(Call({"reference", "r", "k"}).out,
            "index:\t\t1 \nkey:\t\tr \nvalue:\t\tk \nhash:\t\t" + HashOf(1, "r", "k") +
                " \ntime:\t\t1970-01-01 00:00:00 +0000 UTC \n\n");
  EXPECT_EQ(Call({"safereference", "r2"}, "k\n").out,
            "index:\t\t2 \nkey:\t\tr2 \nvalue:\t\tk \nhash:\t\t" + HashOf(2, "r2", "k") +
                " \ntime:\t\t1970-01-01 00:00:00 +0000 UTC \nverified:\ttrue \n\n");
  EXPECT_EQ(Call({"sr", "r3", "k", "--output=json"}).out,
            "{\"index\":3,\"key\":\"r3\",\"value\":\"k\",\"hash\":\"" + HashOf(3, "r3", "k") +
                "\",\"verified\":true}\n");
  EXPECT_EQ(Call({"r", "r4", "missing"}).code, 4);
}

TEST_F(ClientCommands, SetMembersShowTheirScore) {
  const std::string first = SortedSetKey("s", -1.5, "k");
  EXPECT_EQ(Call({"zadd", "s", "-1.5", "k"}).out, "index:\t\t1\nset:\t\ts \nkey:\t\t" + first +
                                                      " \nscore:\t\t-1.500000 \nvalue:\t\tk \n" +
                                                      "hash:\t\t" + HashOf(1, first, "k") +
                                                      " \n\n");
  const std::string second = SortedSetKey("s", 2, "k");
  EXPECT_EQ(Call({"safezadd", "s", "2", "k"}).out,
            "index:\t\t2\nset:\t\ts\nkey:\t\t" + second + "\nscore:\t\t2.000000\nvalue:\t\tk\n" +
                "hash:\t\t" + HashOf(2, second, "k") + "\nverified:\ttrue\n\n");
  EXPECT_EQ(Json::parse(Call({"za", "s", "3", "k", "--output=json"}).out)["score"], 3.0);
  EXPECT_EQ(Call({"za", "s", "high", "k"}).err, "\"high\" is not a valid score\n");
  EXPECT_EQ(Call({"za", "s", "nan", "k"}).code, 2);
  EXPECT_EQ(Call({"zscan", "s", "--output=raw"}).out, "100%s100%s100%s");
  EXPECT_EQ(
      Call({"zscn", "s", "--offset=k", "--offset-score", "-1.5", "--limit=1", "--value-only"}).out,
      "100%s\n\n\n");
  EXPECT_EQ(Call({"zscn", "s", "--offset=k"}).code, 2);
}

TEST_F(ClientCommands, ListingsInEveryForm) {
  ASSERT_TRUE(client_->Set("k2", EncodeStructured({kTime, "b"})).ok());
  const std::string second = "{\"index\":1,\"key\":\"k2\",\"value\":\"b\",\"hash\":\"" +
                             HashOf(1, "k2", EncodeStructured({kTime, "b"})) +
                             "\",\"time\":1598659200}";
  EXPECT_EQ(Call({"scan", "k", "--output=json"}).out, "[" + object_ + "," + second + "]\n");
  EXPECT_EQ(Call({"scan", "--output=jsonl"}).out, object_ + "\n" + second + "\n");
  EXPECT_EQ(Call({"scan", "k", "--output=raw"}).out, "100%sb");
  EXPECT_EQ(Call({"scan", "--reverse", "--limit=1", "--output=raw"}).out, "b");
  EXPECT_EQ(Call({"scan", "--offset=k", "--value-only"}).out, "b\n\n\n");
  EXPECT_EQ(Call({"scan", "x", "--output=json"}).out, "[]\n");
  EXPECT_EQ(Call({"scan", "x", "--output=jsonl"}).out, "");
  EXPECT_EQ(Call({"scan", "x"}).out, "0\n");
  EXPECT_EQ(Call({"iscan", "2", "1", "--output=jsonl"}).out, second + "\n");
  EXPECT_EQ(Call({"iscn", "a", "1"}).code, 2);
  EXPECT_EQ(Call({"history", "k", "--value-only", "--output=json"}).out, "[" + object_ + "]\n");
  EXPECT_EQ(Call({"h", "none"}).out, "No item found \n\n");
  EXPECT_EQ(Call({"count", "k"}).out, "2\n");
  EXPECT_EQ(Call({"cnt", "k2", "--output=json"}).out, "{\"count\":1}\n");
  ASSERT_TRUE(client_->Reference("ref", "k").ok());
  EXPECT_EQ(Call({"scan", "r", "--output=raw"}).out, "");
  EXPECT_EQ(Call({"scan", "r", "--deep", "--output=raw"}).out, "100%s");
}

TEST_F(ClientCommands, ProofsByHand) {
  ASSERT_TRUE(client_->Set("k2", "v").ok());
  const auto root = **client_->CurrentRoot();
  EXPECT_EQ(Call({"inclusion", "0"}).out, "verified: true \nhash: " + hash_ +
                                              " at index: 0 \nroot: " + ToHex(root.hash) +
                                              " at index: 1 \n\n");
  const std::string zero(64, '0');
  const Ended wrong = Call({"i", "0", zero, "--output=json"});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_EQ(Json::parse(wrong.out)["verified"], false);
  EXPECT_EQ(Json::parse(wrong.err)["error"]["exit_code"], 3);
  EXPECT_EQ(Call({"i", "0", "ab"}).err, "invalid hash length\n");
  EXPECT_EQ(Call({"check-consistency", "0", hash_}).out,
            "verified: true \nfirstRoot: " + hash_ +
                " at index: 0 \nsecondRoot: " + ToHex(root.hash) + " at index: 1 \n\n");
  const Ended torn = Call({"c", "0", zero});
  EXPECT_EQ(torn.code, 3);
  EXPECT_THAT(torn.out, HasSubstr("verified: false \nfirstRoot:  at index: 0 \n"));
}

TEST_F(ClientCommands, AProofLeavesTheHouse) {
  ASSERT_TRUE(client_->Set("k2", "v").ok());
  const Ended proof = Call({"prove", "k"});
  ASSERT_EQ(proof.code, 0) << proof.err;
  WriteFile(directory_ / "proof.json", proof.out);
  const auto root = **client_->CurrentRoot();
  ASSERT_TRUE(server_->Shutdown(std::chrono::milliseconds(1000)).ok());
  const std::string trusted = std::to_string(root.index.value) + ':' + ToHex(root.hash);
  const Ended good = Call({"verify-proof", directory_ / "proof.json", "--root", trusted});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(good.err, "");
  EXPECT_THAT(good.out, HasSubstr("value:\t\t100%s \n"));
  EXPECT_THAT(good.out, HasSubstr("verified:\ttrue \n"));
  const Ended loose = Call({"verify-proof", "-"}, proof.out);
  EXPECT_EQ(loose.code, 0);
  EXPECT_THAT(loose.err, HasSubstr("no --root was given"));
  std::string forged = proof.out;
  forged.replace(forged.find("\"index\": 0"), 10, "\"index\": 1");
  const Ended bad = Call({"verify-proof", "-", "--root", trusted, "--output=raw"}, forged);
  EXPECT_EQ(bad.code, 3);
  EXPECT_EQ(bad.out, "");
  EXPECT_EQ(Call({"verify-proof", "-"}, "{}").code, 3);
  EXPECT_EQ(Call({"verify-proof", "-", "--root=1"}, proof.out).code, 2);
}

TEST_F(ClientCommands, ExplainShowsThePathToTheRoot) {
  ASSERT_TRUE(client_->Set("k2", "v").ok());
  const std::string sibling = HashOf(1, "k2", "v");
  const std::string root = ToHex((**client_->CurrentRoot()).hash);
  EXPECT_THAT(Call({"safeget", "k", "--explain"}).out,
              HasSubstr("verified:\ttrue \nproof:\n  leaf 0:\t" + hash_ +
                        "\n  layer 0:\twith the right sibling " + sibling + "\n\t\tgives " + root +
                        "\n  root:\t\t" + root + " at index: 1\n"));
  const Json json = Json::parse(Call({"sg", "k", "--explain", "--output=json"}).out);
  EXPECT_EQ(json["proof"]["steps"][0]["sibling"], sibling);
  EXPECT_EQ(json["proof"]["root"], root);
}

TEST_F(ClientCommands, SessionsInJson) {
  EXPECT_EQ(Call({"use", "defaultdb", "--output=json"}).out, "{\"database\":\"defaultdb\"}\n");
  EXPECT_EQ(Json::parse(Call({"status", "--output=json"}).out)["healthy"], true);
  EXPECT_EQ(Json::parse(Call({"current", "--output=json"}).out)["index"], 0);
  EXPECT_THAT(std::string(Json::parse(Call({"version", "--output=json"}).out)["version"]),
              testing::StartsWith("immuclient "));
  EXPECT_EQ(Call({"logout", "--output=json"}).out, "{\"logged_out\":true}\n");
  const Ended out = Call({"get", "k", "--output=json"});
  EXPECT_EQ(out.code, 5);
  EXPECT_EQ(out.out, "");
  EXPECT_EQ(out.err,
            "{\"error\":{\"code\":\"Unauthenticated\",\"message\":\"please login first\","
            "\"exit_code\":5}}\n");
}

TEST_F(ClientCommands, ErrorsOfTheCommandLineAreJsonToo) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"fetch", "--output=json"},
                                                {"get", "--output", "json"},
                                                {"get", "k", "--limit=1", "--output=json"},
                                                {"get", "k", "--hex", "--base64", "--output=json"},
                                                {"database", "frob", "--output=json"}}) {
    const Ended run = Call(wrong);
    EXPECT_EQ(run.code, 2) << run.err;
    EXPECT_EQ(Json::parse(run.err)["error"]["exit_code"], 2) << run.err;
    EXPECT_EQ(run.out, "");
  }
  EXPECT_EQ(Call({"get", "k", "--output=xml"}).code, 2);
}

// Results are for programs: no colours, however the environment looks.
TEST_F(ClientCommands, NothingIsColoured) {
  for (const char* no_color : {"", "1"}) {
    environment_["NO_COLOR"] = no_color;
    for (const char* command : {"get", "safeget", "history", "scan"}) {
      EXPECT_THAT(Call({command, "k"}).out, Not(HasSubstr("\033")));
    }
  }
}

// One shell: each call's flags are its own, and a logout is believed at once.
TEST_F(ClientCommands, CallsOfOneSessionDoNotDisturbEachOther) {
  Surroundings around;
  around.environment = {{"IMMUCLIENT_IMMUDB_PORT", std::to_string(server_->port())},
                        {"IMMUCLIENT_TOKENFILE", directory_ / "token"},
                        {"IMMUCLIENT_DIR", directory_.path()}};
  const auto base = ParseCommandLine(ImmuclientProgram(), {}, around);
  ASSERT_TRUE(base.ok());
  Session session(base->settings);
  const auto run = [&](const std::vector<std::string>& words) {
    const auto call = ParseCommandWords(ShellProgram(), words, base->settings);
    EXPECT_TRUE(call.ok()) << call.status().ToString();
    const Streams streams;
    const CommandContext context(session, call->settings, streams);
    return RunCommand(*FindCommand(call->command), context, call->arguments);
  };
  EXPECT_EQ(run({"get", "k", "--value-only"}).text, "100%s\n");
  EXPECT_THAT(run({"get", "k"}).text, HasSubstr("index:\t\t0"));
  EXPECT_EQ(run({"getbyindex", "0", "--value-only"}).text, "100%s\n");
  EXPECT_TRUE(run({"set", "x", "-"}).usage);  // standard input is the shell's
  EXPECT_FALSE(
      ParseCommandWords(ShellProgram(), {"get", "k", "--immudb-port=1"}, base->settings).ok());
  EXPECT_TRUE(run({"logout"}).status.ok());
  EXPECT_EQ(run({"get", "k"}).status.code(), StatusCode::kUnauthenticated);
}

// Standard input of this process, as passwords are read from it.
class TypedInput {
 public:
  explicit TypedInput(const std::string& text) : saved_(::dup(STDIN_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
  }
  ~TypedInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  TypedInput(const TypedInput&) = delete;
  TypedInput& operator=(const TypedInput&) = delete;

 private:
  int saved_;
};

TEST_F(ClientCommands, Databases) {
  EXPECT_EQ(Call({"database", "create", "mydb"}).out, "database successfully created\n");
  EXPECT_EQ(Call({"database", "list"}).out,
            "2 database(s)\n"
            "-  -------------  \n"
            "#  Database Name  \n"
            "-  -------------  \n"
            "1  *defaultdb     \n"
            "2  mydb           \n"
            "-  -------------  \n");
  EXPECT_EQ(Call({"d", "use", "mydb"}).out, "Now using mydb\n");
  EXPECT_EQ(Call({"d", "list", "--output=jsonl"}).out,
            "{\"name\":\"defaultdb\",\"current\":false}\n{\"name\":\"mydb\",\"current\":true}\n");
  EXPECT_EQ(Call({"d", "create"}).code, 2);
  EXPECT_EQ(Call({"d", "create", "mydb"}).code, 1);
}

TEST_F(ClientCommands, Users) {
  {
    const TypedInput typed("Passw0rd!\nPassw0rd!\n");
    EXPECT_EQ(Call({"user", "create", "alice", "read", "defaultdb"}).out, "Created user alice\n");
  }
  EXPECT_EQ(Call({"user", "create", "alice", "read"}).err, "User alice already exists\n");
  EXPECT_EQ(Call({"user", "create", "bob", "read", "none"}).err, "Database none does not exist\n");
  EXPECT_EQ(Call({"user", "create", "bob", "owner"}).code, 2);
  {
    const TypedInput typed("Passw0rd!\nPassw0rd?\n");
    EXPECT_EQ(Call({"user", "create", "bob", "read", "defaultdb"}).err, "Passwords don't match\n");
  }
  EXPECT_EQ(Call({"database", "create", "mydb"}).code, 0);
  EXPECT_EQ(Call({"u", "permission", "grant", "alice", "readwrite", "mydb"}).out,
            "Permission changed successfully\n");
  const std::string list = Call({"u", "list"}).out;
  EXPECT_THAT(list, testing::StartsWith("2 user(s)\n-  ------  ------  ---------  ------------  "));
  EXPECT_THAT(list, HasSubstr("\n1  alice   true    defaultdb  Read          immudb      "));
  EXPECT_THAT(list, HasSubstr("\n                   mydb       Read/Write    "));
  EXPECT_EQ(Call({"u", "permission", "revoke", "alice", "readwrite", "mydb"}).code, 0);
  EXPECT_EQ(Call({"u", "permission", "lend", "alice", "read", "mydb"}).err,
            "wrong permission action. Only grant or revoke are allowed. Provided: lend\n");
  EXPECT_EQ(Call({"u", "deactivate", "alice"}).out, "User status changed successfully\n");
  const Json user = Json::parse(Call({"u", "list", "--output=json"}).out)[0];
  EXPECT_EQ(user["active"], false);
  EXPECT_EQ(user["permissions"][0]["permission"], "read");
  EXPECT_EQ(Call({"u", "activate", "alice"}).code, 0);
  {
    const TypedInput typed("Passw1rd!\nPassw1rd!\n");
    EXPECT_EQ(Call({"u", "changepassword", "alice"}).out, "alice's password has been changed\n");
  }
  {
    const TypedInput typed("Passw0rd!\n");
    const Ended refused = Call({"login", "alice"});
    EXPECT_EQ(refused.code, 5);
    EXPECT_EQ(refused.err, "username or password is not valid\n");
  }
  {
    const TypedInput typed("Passw1rd!\n");
    EXPECT_EQ(Call({"login", "alice"}).out, "Successfully logged in.\n");
  }
  const TypedInput typed("Passw1rd!\nPassw2rd!\nPassw2rd!\n");
  EXPECT_EQ(Call({"u", "changepassword", "alice", "--own"}).out,
            "alice's password has been changed\n");
}

}  // namespace
}  // namespace immudb
