// SPDX-License-Identifier: Apache-2.0
//
// What the client believes: the proofs of the specification, and no variation of them.
#include "client/proof_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "client/client_test_util.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

struct Case {
  schema::SafeItem answer;
  std::optional<TreeRoot> trusted;
};

// The entry behind each leaf of the vectors, found by its hash.
std::optional<KeyValue> EntryOf(const nlohmann::json& vectors, const std::string& leaf_hex) {
  for (const auto& entry : vectors["history_leaves"]) {
    if (entry.at("leaf") == leaf_hex) {
      return KeyValue{FromHex(entry.at("key")), FromHex(entry.at("value"))};
    }
  }
  return std::nullopt;
}

std::vector<Case> Cases() {
  const auto vectors = nlohmann::json::parse(std::ifstream(IMMUDB_TEST_VECTORS));
  std::vector<Case> cases;
  for (const auto& vector : vectors["safe_proofs"]) {
    Case result;
    const auto& proof = vector["proof"];
    const auto entry = EntryOf(vectors, proof["leaf"]);
    if (!entry) continue;
    auto* message = result.answer.mutable_proof();
    message->set_leaf(FromHex(proof["leaf"]));
    message->set_index(proof["index"]);
    message->set_root(FromHex(proof["root"]));
    message->set_at(proof["at"]);
    for (const auto& node : proof["inclusionPath"]) message->add_inclusionpath(FromHex(node));
    for (const auto& node : proof["consistencyPath"]) message->add_consistencypath(FromHex(node));
    result.answer.mutable_item()->set_key(entry->key);
    result.answer.mutable_item()->set_value(entry->value);
    result.answer.mutable_item()->set_index(proof["index"]);
    const auto& asked = vector["request_root_index"];
    if (!asked.is_null()) {
      result.trusted =
          TreeRoot{{asked.get<uint64_t>()}, *ToDigest(FromHex(vector["previous_root"]))};
    }
    cases.push_back(std::move(result));
  }
  return cases;
}

TEST(ProofCheck, AcceptsTheProofsOfTheSpecification) {
  const auto cases = Cases();
  ASSERT_GT(cases.size(), 5U);
  for (const auto& [answer, trusted] : cases) {
    const auto root = CheckItem(answer, trusted);
    ASSERT_TRUE(root.ok()) << root.status().ToString() << answer.ShortDebugString();
    EXPECT_EQ(root->index.value, answer.proof().at());
    EXPECT_EQ(*ToDigest(answer.proof().root()), root->hash);
  }
}

enum class Kind : uint8_t { kMalformed, kFailed };

struct Mutation {
  const char* name;
  Kind kind;
  // False if it does not apply to this answer.
  std::function<bool(schema::SafeItem*)> apply;
};

bool Flip(std::string* bytes) {
  if (bytes->empty()) return false;
  bytes->back() = static_cast<char>(bytes->back() ^ 1);
  return true;
}

template <typename Path>
bool FlipEach(Path* path, int position) {
  return position < path->size() && Flip(path->Mutable(position));
}

std::vector<Mutation> Mutations() {
  using M = schema::SafeItem*;
  const std::string hash(32, 'h');
  return {
      {"leaf changed", Kind::kFailed, [](M m) { return Flip(m->mutable_proof()->mutable_leaf()); }},
      {"leaf short", Kind::kMalformed,
       [](M m) { return m->mutable_proof()->mutable_leaf()->pop_back(), true; }},
      {"leaf absent", Kind::kMalformed, [](M m) { return m->mutable_proof()->clear_leaf(), true; }},
      {"root changed", Kind::kFailed, [](M m) { return Flip(m->mutable_proof()->mutable_root()); }},
      {"root absent", Kind::kMalformed, [](M m) { return m->mutable_proof()->clear_root(), true; }},
      {"root long", Kind::kMalformed,
       [](M m) { return m->mutable_proof()->mutable_root()->push_back('x'), true; }},
      {"proof of another index", Kind::kFailed,
       [](M m) { return m->mutable_proof()->set_index(m->proof().index() + 1), true; }},
      {"item of another index", Kind::kFailed,
       [](M m) { return m->mutable_item()->set_index(m->item().index() + 1), true; }},
      {"impossible tree", Kind::kMalformed,
       [](M m) { return m->mutable_proof()->set_at(~uint64_t{0}), true; }},
      {"inclusion path longer", Kind::kMalformed,
       [hash](M m) { return m->mutable_proof()->add_inclusionpath(hash), true; }},
      {"inclusion path shorter", Kind::kMalformed,
       [](M m) {
         if (m->proof().inclusionpath().empty()) return false;
         m->mutable_proof()->mutable_inclusionpath()->RemoveLast();
         return true;
       }},
      {"inclusion node short", Kind::kMalformed,
       [](M m) {
         if (m->proof().inclusionpath().empty()) return false;
         m->mutable_proof()->mutable_inclusionpath(0)->pop_back();
         return true;
       }},
      {"key changed", Kind::kFailed, [](M m) { return Flip(m->mutable_item()->mutable_key()); }},
      {"value changed", Kind::kFailed,
       [](M m) { return m->mutable_item()->mutable_value()->push_back('x'), true; }},
      {"byte moved from value to key", Kind::kFailed,
       [](M m) {
         if (m->item().value().empty()) return false;
         m->mutable_item()->mutable_key()->push_back(m->item().value().front());
         m->mutable_item()->mutable_value()->erase(0, 1);
         return true;
       }},
      {"item absent", Kind::kMalformed, [](M m) { return m->clear_item(), true; }},
      {"proof absent", Kind::kMalformed, [](M m) { return m->clear_proof(), true; }},
  };
}

void ExpectRefused(const Status& status, Kind kind, const std::string& what) {
  EXPECT_TRUE(IsVerificationFailure(status)) << what << ": " << status.ToString();
  if (kind == Kind::kMalformed) {
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << what;
    EXPECT_THAT(status.message(), testing::StartsWith("malformed proof: ")) << what;
  }
  if (kind == Kind::kFailed) {
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << what;
    EXPECT_THAT(status.message(), testing::StartsWith("verification failed: ")) << what;
  }
}

TEST(ProofCheck, RefusesEveryMutatedAnswer) {
  int refused = 0;
  for (const auto& [answer, trusted] : Cases()) {
    for (const auto& mutation : Mutations()) {
      schema::SafeItem altered = answer;
      if (!mutation.apply(&altered)) continue;
      ExpectRefused(CheckItem(altered, trusted).status(), mutation.kind, mutation.name);
      ++refused;
    }
    for (int i = 0; i < answer.proof().inclusionpath_size(); ++i) {
      schema::SafeItem altered = answer;
      ASSERT_TRUE(FlipEach(altered.mutable_proof()->mutable_inclusionpath(), i));
      ExpectRefused(CheckItem(altered, trusted).status(), Kind::kFailed, "inclusion node");
    }
  }
  EXPECT_GT(refused, 100);
}

// A path does not always bind the size of its tree. What must hold: such a lie brings no other root
// into the client, and the same server's true proof is refused afterwards.
TEST(ProofCheck, AWrongTreeSizeNeverStaysUnnoticed) {
  for (const auto& [answer, trusted] : Cases()) {
    for (const int64_t step : {-1, 1}) {
      if (step < 0 && answer.proof().at() == 0) continue;
      schema::SafeItem altered = answer;
      altered.mutable_proof()->set_at(answer.proof().at() + static_cast<uint64_t>(step));
      const auto root = CheckItem(altered, trusted);
      if (root.ok()) {
        EXPECT_EQ(root->hash, *ToDigest(answer.proof().root()));
        EXPECT_TRUE(IsVerificationFailure(CheckItem(answer, *root).status()));
      } else {
        EXPECT_TRUE(IsVerificationFailure(root.status()));
      }
    }
  }
}

TEST(ProofCheck, RefusesEveryMutatedConsistencyProof) {
  int refused = 0;
  for (const auto& [answer, trusted] : Cases()) {
    if (!trusted) continue;
    const auto& path = answer.proof().consistencypath();
    for (int i = 0; i < path.size(); ++i) {
      schema::SafeItem altered = answer;
      FlipEach(altered.mutable_proof()->mutable_consistencypath(), i);
      ExpectRefused(CheckItem(altered, trusted).status(), Kind::kFailed, "consistency node");
      ++refused;
    }
    schema::SafeItem longer = answer;
    longer.mutable_proof()->add_consistencypath(std::string(32, 'h'));
    ExpectRefused(CheckItem(longer, trusted).status(), Kind::kMalformed, "consistency longer");
    if (!path.empty()) {
      schema::SafeItem shorter = answer;
      shorter.mutable_proof()->mutable_consistencypath()->RemoveLast();
      ExpectRefused(CheckItem(shorter, trusted).status(), Kind::kMalformed, "consistency shorter");
    }
    TreeRoot other = *trusted;
    other.hash[0] ^= 1;
    ExpectRefused(CheckItem(answer, other).status(), Kind::kFailed, "another trusted root");
    const TreeRoot beyond{{answer.proof().at() + 1}, trusted->hash};
    ExpectRefused(CheckItem(answer, beyond).status(), Kind::kFailed, "shrunken tree");
  }
  EXPECT_GT(refused, 10);
}

TEST(ProofCheck, ReadsTheUnverifiedAnswers) {
  EXPECT_FALSE(*ToRoot({}));
  schema::Root root;
  root.set_index(3);
  EXPECT_TRUE(IsVerificationFailure(ToRoot(root).status()));
  root.set_root(std::string(32, 'r'));
  EXPECT_EQ((*ToRoot(root))->index.value, 3U);

  schema::InclusionProof inclusion;
  inclusion.set_root(std::string(32, 'r'));
  EXPECT_FALSE(ToInclusion(inclusion).ok());
  inclusion.set_leaf(std::string(32, 'l'));
  inclusion.add_path("short");
  EXPECT_FALSE(ToInclusion(inclusion).ok());

  schema::ConsistencyProof consistency;
  consistency.set_secondroot(std::string(32, 'r'));
  EXPECT_TRUE(ToConsistency(consistency).ok());
  consistency.set_second(~uint64_t{0});  // what the original says of an empty database
  EXPECT_FALSE(ToConsistency(consistency).ok());
}

}  // namespace
}  // namespace immudb
