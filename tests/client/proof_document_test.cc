// SPDX-License-Identifier: Apache-2.0
//
// Portable proofs: nothing in one may be changed unnoticed, and the reader learns what is wrong.
#include "immudb/proof_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/client_test_util.h"
#include "client/fake_server.h"
#include "immudb/client.h"

namespace immudb {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class Proofs : public testing::Test {
 protected:
  void SetUp() override {
    ClientOptions options;
    options.port = server_.port();
    options.token_file = "";
    options.root_directory = directory_.path();
    auto client = Client::Connect(options);
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_ = *std::move(client);
    Append(7);
    old_ = Current();
    Append(6);
  }
  void Append(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string number = std::to_string(server_.size());
      server_.Append(std::string("k").append(number), std::string("v\0\xFF", 3).append(number));
    }
  }
  TreeRoot Current() const { return {{server_.size() - 1}, server_.Root()}; }
  ProofDocument Prove(const std::string& key, const std::optional<TreeRoot>& from = {}) {
    const auto document = client_->Prove(key, from);
    EXPECT_TRUE(document.ok()) << document.status().ToString();
    return *document;
  }

  TemporaryDirectory directory_;
  FakeServer server_;
  std::unique_ptr<Client> client_;
  TreeRoot old_;
};

StatusCode Check(const ProofDocument& document, const std::optional<TreeRoot>& expected) {
  return CheckProofDocument(document, expected).code();
}

Status Judge(const json& document, const std::optional<TreeRoot>& expected) {
  const auto parsed = ParseProofDocument(document.dump());
  return parsed.ok() ? CheckProofDocument(*parsed, expected) : parsed.status();
}

TEST_F(Proofs, OfEveryEntryAndFromEveryRootHold) {
  const TreeRoot now = Current();
  for (uint64_t i = 0; i < server_.size(); ++i) {
    const std::string key = std::string("k").append(std::to_string(i));
    const ProofDocument document = Prove(key, old_);
    EXPECT_EQ(document.index.value, i);
    EXPECT_EQ(Check(document, std::nullopt), StatusCode::kOk) << key;
    EXPECT_EQ(Check(document, old_), StatusCode::kOk) << key;
    EXPECT_EQ(Check(document, now), StatusCode::kOk) << key;
    EXPECT_EQ(Check(Prove(key), now), StatusCode::kOk) << key;
  }
}

TEST_F(Proofs, SurviveAsText) {
  for (const auto& document : {Prove("k3"), Prove("k3", old_), Prove("k12", Current())}) {
    const std::string text = ToJson(document);
    const auto read = ParseProofDocument(text);
    ASSERT_TRUE(read.ok()) << read.status().ToString() << text;
    EXPECT_EQ(*read, document) << text;
  }
}

// Programs of others read this text: its fields must stay as they are documented.
TEST_F(Proofs, HaveTheDocumentedText) {
  ProofDocument document;
  document.server_uuid = "u1";
  document.database = "defaultdb";
  document.index = {1};
  document.key = "k";
  document.value = std::string("v\0", 2);
  document.leaf = DigestOf(0xAB);
  document.tree = {{2}, DigestOf(1)};
  document.inclusion = {DigestOf(2)};
  document.consistency = {{{1}, DigestOf(3)}, {}};
  const auto hex = [](const std::string& byte) {
    std::string text;
    for (int i = 0; i < 32; ++i) text += byte;
    return text;
  };
  const json expected = {
      {"format", "immudb-proof"},
      {"version", 1},
      {"server", "u1"},
      {"database", "defaultdb"},
      {"entry", {{"index", 1}, {"key", "aw=="}, {"value", "dgA="}, {"leaf", hex("ab")}}},
      {"tree", {{"at", 2}, {"root", hex("01")}}},
      {"inclusion", {hex("02")}},
      {"consistency", {{"at", 1}, {"root", hex("03")}, {"path", json::array()}}}};
  EXPECT_EQ(json::parse(ToJson(document)), expected);
}

// Whatever somebody changes on the way, except the labels.
TEST_F(Proofs, NoChangeGoesUnnoticed) {
  const json honest = json::parse(ToJson(Prove("k3", old_)));
  ASSERT_TRUE(Judge(honest, old_).ok());
  const json flat = honest.flatten();
  for (const auto& [path, value] : flat.items()) {
    if (path == "/server" || path == "/database") continue;
    // Paths do not bind the size of the tree that they lead to: only its root, if one knows it.
    const TreeRoot expected = path == "/tree/at" ? Current() : old_;
    json changed = honest;
    json& field = changed[json::json_pointer(path)];
    if (field.is_number()) {
      const auto number = field.get<uint64_t>();
      for (const uint64_t other : {number + 1, number - 1, number + 8, UINT64_MAX}) {
        field = other;
        EXPECT_FALSE(Judge(changed, expected).ok()) << path << ' ' << other;
      }
    } else {
      std::string text = field;
      text[0] = text[0] == 'a' ? 'b' : 'a';
      field = text;
      EXPECT_TRUE(IsVerificationFailure(Judge(changed, old_))) << path;
      field = text.substr(1);
      EXPECT_TRUE(IsVerificationFailure(Judge(changed, old_))) << path;
    }
    field = nullptr;
    EXPECT_TRUE(IsVerificationFailure(Judge(changed, old_))) << path;
  }
  for (const char* list : {"/inclusion", "/consistency/path"}) {
    json changed = honest;
    json& nodes = changed[json::json_pointer(list)];
    nodes.push_back(nodes.front());
    EXPECT_TRUE(IsVerificationFailure(Judge(changed, old_))) << list;
    nodes.erase(0);
    nodes.erase(0);
    EXPECT_TRUE(IsVerificationFailure(Judge(changed, old_))) << list;
  }
}

TEST_F(Proofs, MalformedDocumentsAreNamedAsSuch) {
  const std::string honest = ToJson(Prove("k3", old_));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = honest;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "not JSON, at byte"},
           {honest + "x", "not JSON, at byte"},
           {"[]", "no document of the format"},
           {with("immudb-proof", "other"), "no document of the format"},
           {with("\"version\": 1", "\"version\": 2"), "only version 1"},
           {with("\"at\": 12", "\"at\": 1, \"at\": 12"), "at is given twice"},
           {with("\"at\": 12", "\"at\": -1"), "tree.at is not a number"},
           {with("\"at\": 12", "\"at\": 1.5"), "tree.at is not a number"},
           {with("\"at\": 12", "\"more\": 1, \"at\": 12"), "tree.more is not known"},
           {with("\"leaf\"", "\"leaves\""), "entry.leaf is missing"},
           {with("\"key\": \"", "\"key\": \"?"), "entry.key is not base64"},
           {with("\"root\": \"", "\"root\": \"+"), "tree.root is not a hash"},
           {with("\"inclusion\": [", "\"inclusion\": [1, "), "inclusion has a node"},
           {with("\"database\": \"\"", "\"database\": 7"), "database is not a text"}}) {
    const auto parsed = ParseProofDocument(text);
    ASSERT_FALSE(parsed.ok()) << why;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(parsed.status().message(), StartsWith("malformed proof: "));
    EXPECT_THAT(parsed.status().message(), HasSubstr(why));
  }
}

// Three answers that a reader must be able to tell apart: another log, nonsense, and a document
// that does not reach the root at hand.
TEST_F(Proofs, EachFailureHasItsKind) {
  const ProofDocument plain = Prove("k3");
  const ProofDocument connected = Prove("k3", old_);
  TreeRoot wrong = Current();
  wrong.hash[0] ^= 1;
  EXPECT_EQ(Check(plain, wrong), StatusCode::kDataLoss);
  wrong = old_;
  wrong.hash[0] ^= 1;
  EXPECT_EQ(Check(connected, wrong), StatusCode::kDataLoss);
  EXPECT_EQ(Check(plain, old_), StatusCode::kFailedPrecondition);
  EXPECT_THAT(CheckProofDocument(plain, old_).message(), HasSubstr("expected one at index 6"));
  Append(1);
  EXPECT_EQ(Check(connected, Current()), StatusCode::kFailedPrecondition);
  ProofDocument short_path = plain;
  short_path.inclusion.pop_back();
  EXPECT_EQ(Check(short_path, std::nullopt), StatusCode::kInvalidArgument);
}

// The reader's root is of another log than the server's: no document must come of it.
TEST_F(Proofs, AreNotMadeFromARootThatTheServerDoesNotContinue) {
  TreeRoot other = old_;
  other.hash[5] ^= 1;
  EXPECT_EQ(client_->Prove("k3", other).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(client_->Prove("k3", TreeRoot{{100}, old_.hash}).status().code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(client_->Prove("nothing").status().code(), StatusCode::kNotFound);
}

// Each answer is a genuine entry with a good proof, but the second is about another one.
TEST_F(Proofs, AreAboutTheEntryThatWasReadAndNoOther) {
  schema::SafeItem other;
  server_.Alter([&](schema::SafeItem* answer) { other = *answer; });
  ASSERT_TRUE(client_->SafeGet("k6").ok());
  ASSERT_TRUE(client_->BySafeIndex({6}).ok());
  int calls = 0;
  server_.Alter([&](schema::SafeItem* answer) {
    if (++calls == 2) *answer = other;
  });
  const auto document = client_->Prove("k3", Current());
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(document.status().code(), StatusCode::kDataLoss) << document.status().ToString();
  EXPECT_THAT(document.status().message(), HasSubstr("two entries at index 3"));
}

TEST(TreeRootText, IsReadBack) {
  const TreeRoot root{{17}, DigestOf(0xC4)};
  const auto read = ParseTreeRoot(ToText(root));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, root);
  const std::string hash = ToText(root).substr(3);
  for (const auto& text : std::vector<std::string>{
           "", hash, "17", "17:", ":" + hash, "-1:" + hash, "17:" + hash + "0", "17 :" + hash,
           "18446744073709551615:" + hash, "17:" + std::string(64, 'g')}) {
    EXPECT_EQ(ParseTreeRoot(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace immudb
