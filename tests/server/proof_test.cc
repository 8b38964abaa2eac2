// SPDX-License-Identifier: Apache-2.0
//
// Proofs as an untrusting client checks them: with the public verifier alone.
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

class ProofTest : public RunningServerTest {
 protected:
  static schema::SafeSetOptions SafeSetOf(const std::string& key, const std::string& value,
                                          std::optional<uint64_t> root_index) {
    schema::SafeSetOptions request;
    *request.mutable_kv() = KeyValueOf(key, value);
    if (root_index) request.mutable_rootindex()->set_index(*root_index);
    return request;
  }
  schema::Root Root() const {
    schema::Root root;
    EXPECT_CALL_OK(Call("CurrentRoot", Empty(), &root));
    return root;
  }
  schema::Proof proof;
  schema::SafeItem safe_item;
};

void ExpectEqual(const schema::Proof& proof, const nlohmann::json& expected) {
  EXPECT_EQ(proof.index(), expected["index"]);
  EXPECT_EQ(proof.at(), expected["at"]);
  EXPECT_EQ(proof.leaf(), FromHex(expected["leaf"]));
  EXPECT_EQ(proof.root(), FromHex(expected["root"]));
  const auto expect_path = [](const auto& path, const nlohmann::json& hashes) {
    ASSERT_EQ(path.size(), static_cast<int>(hashes.size()));
    for (int i = 0; i < path.size(); ++i) EXPECT_EQ(path.Get(i), FromHex(hashes[i]));
  };
  expect_path(proof.inclusionpath(), expected["inclusionPath"]);
  expect_path(proof.consistencypath(), expected["consistencyPath"]);
}

TEST_F(ProofTest, SafeSetsGiveTheProofsOfTheVectors) {
  const auto& leaves = Vectors()["history_leaves"];
  const auto& proofs = Vectors()["safe_proofs"];
  size_t checked = 0;
  for (size_t n = 1; n <= leaves.size(); ++n) {
    const auto& leaf = leaves[n - 1];
    std::optional<uint64_t> root_index;
    const nlohmann::json* expected = nullptr;
    for (const auto& vector : proofs) {
      const auto& root = vector["request_root_index"];
      // Of the entry that is being written; and its own index cannot be the trusted one yet.
      if (vector["n"] != n || vector["proof"]["index"] != n - 1) continue;
      if (!root.is_null() && n > 1 && root.get<uint64_t>() + 1 >= n) continue;
      expected = &vector;
      root_index = root.is_null() ? std::nullopt : std::optional(root.get<uint64_t>());
    }
    EXPECT_CALL_OK(Call(
        "SafeSet", SafeSetOf(FromHex(leaf["key"]), FromHex(leaf["value"]), root_index), &proof));
    EXPECT_EQ(proof.leaf(), FromHex(leaf["leaf"]));
    if (expected == nullptr) continue;
    ExpectEqual(proof, (*expected)["proof"]);
    ++checked;
  }
  EXPECT_GE(checked, 2U);
}

TEST_F(ProofTest, EverySafeReadGivesTheProofsOfTheVectors) {
  const auto& leaves = Vectors()["history_leaves"];
  const auto& proofs = Vectors()["safe_proofs"];
  for (size_t n = 1; n <= leaves.size(); ++n) {
    MustSet(FromHex(leaves[n - 1]["key"]), FromHex(leaves[n - 1]["value"]));
    for (const auto& vector : proofs) {
      if (vector["n"] != n) continue;
      schema::SafeIndexOptions request;
      request.set_index(vector["proof"]["index"]);
      const auto& root = vector["request_root_index"];
      if (!root.is_null()) request.mutable_rootindex()->set_index(root);
      EXPECT_CALL_OK(Call("BySafeIndex", request, &safe_item));
      ExpectEqual(safe_item.proof(), vector["proof"]);
    }
  }
}

TEST_F(ProofTest, SafeWritesOfAllKindsAreProvenAndContinueTheTrustedRoot) {
  MustSet("k", "v");
  schema::Root trusted = Root();
  const auto check = [&](const std::string& key, const std::string& value) {
    EXPECT_EQ(proof.at(), proof.index());
    ExpectProves(proof, key, value);
    ExpectConsistent(proof, trusted.index(), trusted.root());
    trusted.set_index(proof.index());
    trusted.set_root(proof.root());
  };
  EXPECT_CALL_OK(Call("SafeSet", SafeSetOf("k2", "v2", trusted.index()), &proof));
  check("k2", "v2");
  schema::SafeSetSVOptions structured;
  *structured.mutable_skv() = StructuredOf("s", 1, "x");
  structured.mutable_rootindex()->set_index(trusted.index());
  EXPECT_CALL_OK(Call("SafeSetSV", structured, &proof));
  check("s", std::string("\x08\x01\x12\x01x"));
  schema::SafeReferenceOptions reference;
  *reference.mutable_ro() = ReferenceOf("r", "k");
  reference.mutable_rootindex()->set_index(trusted.index());
  EXPECT_CALL_OK(Call("SafeReference", reference, &proof));
  check("r", "k");
  schema::SafeZAddOptions member;
  *member.mutable_zopts() = MemberOf("set", -0.5, "k");
  member.mutable_rootindex()->set_index(trusted.index());
  EXPECT_CALL_OK(Call("SafeZAdd", member, &proof));
  check(SortedSetKey("set", -0.5, "k"), "k");
  EXPECT_EQ(Root().root(), trusted.root());
}

TEST_F(ProofTest, SafeGetProvesTheItemItAnswers) {
  MustSet("k", "v");
  MustWrite("Reference", ReferenceOf("r", "k"));
  const schema::Root trusted = Root();
  const uint64_t latest = MustSet("k", "w");
  schema::SafeGetOptions request;
  request.set_key("r");
  request.mutable_rootindex()->set_index(trusted.index());
  EXPECT_CALL_OK(Call("SafeGet", request, &safe_item));
  EXPECT_EQ(safe_item.item().key(), "k");
  EXPECT_EQ(safe_item.item().index(), latest);
  EXPECT_EQ(safe_item.proof().index(), latest);
  ExpectProves(safe_item.proof(), "k", "w");
  ExpectConsistent(safe_item.proof(), trusted.index(), trusted.root());
  EXPECT_EQ(safe_item.proof().root(), Root().root());

  MustWrite("SetSV", StructuredOf("s", 1, "x"));
  request.set_key("s");
  schema::SafeStructuredItem structured;
  EXPECT_CALL_OK(Call("SafeGetSV", request, &structured));
  EXPECT_EQ(structured.item().value().payload(), "x");
  ExpectProves(structured.proof(), "s", "\x08\x01\x12\x01x");
}

// Key syntax, then rootIndex, then the look-up; by index the look-up comes first.
TEST_F(ProofTest, RootIndexIsCheckedInTheOrderOfTheContract) {
  schema::SafeGetOptions get;
  get.mutable_rootindex()->set_index(5);
  get.set_key("k");
  EXPECT_STATUS(Call("SafeGet", get, &safe_item), NOT_FOUND, "Key not found");  // empty database
  MustSet("k", "v");
  EXPECT_STATUS(Call("SafeGet", get, &safe_item), INVALID_ARGUMENT, "invalid root index");
  get.set_key("none");
  EXPECT_STATUS(Call("SafeGet", get, &safe_item), INVALID_ARGUMENT, "invalid root index");
  get.set_key("");
  EXPECT_STATUS(Call("SafeGet", get, &safe_item), INVALID_ARGUMENT, "invalid key");
  schema::SafeIndexOptions by_index;
  by_index.set_index(1);
  by_index.mutable_rootindex()->set_index(5);
  EXPECT_STATUS(Call("BySafeIndex", by_index, &safe_item), NOT_FOUND, "index not found");
  by_index.set_index(0);
  EXPECT_STATUS(Call("BySafeIndex", by_index, &safe_item), INVALID_ARGUMENT, "invalid root index");
  by_index.mutable_rootindex()->set_index(0);
  EXPECT_CALL_OK(Call("BySafeIndex", by_index, &safe_item));
  EXPECT_EQ(safe_item.proof().consistencypath_size(), 0);
}

TEST_F(ProofTest, FirstSafeSetAcceptsAnyRootIndex) {
  EXPECT_CALL_OK(Call("SafeSet", SafeSetOf("k", "v", ~uint64_t{0}), &proof));
  EXPECT_EQ(proof.consistencypath_size(), 0);
  ExpectProves(proof, "k", "v");
}

TEST_F(ProofTest, EmptyDatabaseHasNoRootAndNoProofs) {
  const schema::Root root = Root();
  EXPECT_EQ(root.index(), 0U);
  EXPECT_EQ(root.root(), "");
  schema::InclusionProof inclusion;
  schema::ConsistencyProof consistency;
  EXPECT_STATUS(Call("Inclusion", IndexOf(0), &inclusion), NOT_FOUND, "index not found");
  EXPECT_STATUS(Call("Consistency", IndexOf(0), &consistency), NOT_FOUND, "index not found");
}

TEST_F(ProofTest, InclusionAndConsistencyAreAboutTheCurrentTree) {
  std::vector<schema::Root> roots;
  for (int i = 0; i < 6; ++i) {
    MustSet(NumberedKey(i), "v");
    roots.push_back(Root());
  }
  for (uint64_t i = 0; i < 6; ++i) {
    schema::InclusionProof inclusion;
    EXPECT_CALL_OK(Call("Inclusion", IndexOf(i), &inclusion));
    schema::Proof as_proof;
    as_proof.set_index(inclusion.index());
    as_proof.set_at(inclusion.at());
    as_proof.set_leaf(inclusion.leaf());
    as_proof.set_root(inclusion.root());
    *as_proof.mutable_inclusionpath() = inclusion.path();
    ExpectProves(as_proof, NumberedKey(i), "v");
    schema::ConsistencyProof consistency;
    EXPECT_CALL_OK(Call("Consistency", IndexOf(i), &consistency));
    EXPECT_EQ(consistency.first(), i);
    EXPECT_EQ(consistency.second(), 5U);
    EXPECT_EQ(consistency.firstroot(), "");
    as_proof.set_root(consistency.secondroot());
    as_proof.set_at(consistency.second());
    *as_proof.mutable_consistencypath() = consistency.path();
    ExpectConsistent(as_proof, i, roots[i].root());
  }
  schema::InclusionProof inclusion;
  schema::ConsistencyProof consistency;
  EXPECT_STATUS(Call("Inclusion", IndexOf(6), &inclusion), NOT_FOUND, "index not found");
  EXPECT_STATUS(Call("Consistency", IndexOf(6), &consistency), NOT_FOUND, "index not found");
}

// Old clients remember (index, root) of the answer; with other writers in between that has to hold.
TEST_F(ProofTest, ConcurrentSafeWritersEachGetTheTreeThatEndsWithTheirEntry) {
  constexpr int kWriters = 8;
  constexpr int kWrites = 40;
  std::vector<std::vector<schema::Proof>> proofs(kWriters);
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      Client own(Target());
      own.authorization = client->authorization;
      std::optional<std::pair<uint64_t, std::string>> trusted;
      for (int i = 0; i < kWrites; ++i) {
        const std::string key = std::to_string(w) + ":" + std::to_string(i);
        schema::Proof answer;
        EXPECT_CALL_OK(own.Call(
            "SafeSet", SafeSetOf(key, key, trusted ? std::optional(trusted->first) : std::nullopt),
            &answer));
        EXPECT_EQ(answer.at(), answer.index());
        ExpectProves(answer, key, key);
        if (trusted) ExpectConsistent(answer, trusted->first, trusted->second);
        trusted = {answer.index(), answer.root()};
        proofs[w].push_back(std::move(answer));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  std::vector<bool> seen(size_t{kWriters} * kWrites);
  for (const auto& of_writer : proofs) {
    for (const schema::Proof& answer : of_writer) {
      ASSERT_LT(answer.index(), seen.size());
      EXPECT_FALSE(seen[answer.index()]);
      seen[answer.index()] = true;
    }
  }
}

}  // namespace
}  // namespace immudb::testing
