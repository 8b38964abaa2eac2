// SPDX-License-Identifier: Apache-2.0
//
// What clients can write, what is refused, and with which code and text.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "server/server_fixture.h"

namespace immudb::testing {
namespace {

class WriteTest : public RunningServerTest {
 protected:
  uint64_t Size() const {
    schema::Root root;
    EXPECT_CALL_OK(Call("CurrentRoot", Empty(), &root));
    return root.root().empty() ? 0 : root.index() + 1;
  }
  schema::Index index;
  schema::Proof proof;
};

std::vector<std::string> ReservedKeys() {
  return {"", std::string("\0a", 2), "IMMUDB.METADATA.LAST_FLUSHED_LEAF", "!badger!x"};
}

// Clients of 2020 hash the same bytes: any other leaf or root and they refuse the server.
TEST_F(WriteTest, SessionOfVectorsGivesTheSameLeavesAndRoots) {
  const auto& session = Vectors()["session"];
  ASSERT_GE(session.size(), 9U);
  schema::KVList batch;
  for (const auto& step : session) {
    const auto op = step["op"].get<std::string>();
    const auto& args = step["args"];
    const auto text = [&args](const char* name) { return args[name].get<std::string>(); };
    if (op == "Set") {
      EXPECT_EQ(MustSet(text("key"), text("value")), step["index"]);
    } else if (op == "SetSV") {
      EXPECT_EQ(MustWrite("SetSV", StructuredOf(text("key"), args["timestamp"], text("payload"))),
                step["index"]);
    } else if (op == "Reference") {
      EXPECT_EQ(MustWrite("Reference", ReferenceOf(text("reference"), text("key"))), step["index"]);
    } else if (op == "ZAdd") {
      EXPECT_EQ(MustWrite("ZAdd", MemberOf(text("set"), args["score"], text("key"))),
                step["index"]);
    } else {
      *batch.add_kvs() = KeyValueOf(text("key"), text("value"));
      if (op != "SetBatch[2]") continue;
      EXPECT_EQ(MustWrite("SetBatch", batch), step["index"]);
    }
    schema::Root root;
    EXPECT_CALL_OK(Call("CurrentRoot", Empty(), &root));
    EXPECT_EQ(root.index(), step["at"]);
    EXPECT_EQ(root.root(), FromHex(step["root"])) << op;
  }
  for (const auto& step : session) {
    schema::InclusionProof inclusion;
    EXPECT_CALL_OK(Call("Inclusion", IndexOf(step["index"]), &inclusion));
    EXPECT_EQ(inclusion.leaf(), FromHex(step["leaf"]));
    schema::Item item;
    EXPECT_CALL_OK(Call("ByIndex", IndexOf(step["index"]), &item));
    EXPECT_EQ(item.key(), FromHex(step["hashed_key"]));
    EXPECT_EQ(item.value(), FromHex(step["hashed_value"]));
  }
}

TEST_F(WriteTest, ReservedKeysAreRefusedAndNothingIsStored) {
  for (const std::string& key : ReservedKeys()) {
    EXPECT_STATUS(Call("Set", KeyValueOf(key, "v"), &index), INVALID_ARGUMENT, "invalid key");
    EXPECT_STATUS(Call("SetSV", StructuredOf(key, 1, "v"), &index), INVALID_ARGUMENT,
                  "invalid key");
    schema::SafeSetOptions safe;
    *safe.mutable_kv() = KeyValueOf(key, "v");
    EXPECT_STATUS(Call("SafeSet", safe, &proof), INVALID_ARGUMENT, "invalid key");
    schema::KVList batch;
    *batch.add_kvs() = KeyValueOf("fine", "v");
    *batch.add_kvs() = KeyValueOf(key, "v");
    EXPECT_STATUS(Call("SetBatch", batch, &index), INVALID_ARGUMENT, "invalid key");
  }
  EXPECT_EQ(Size(), 0U);
}

TEST_F(WriteTest, LongestKeyIsStoredAndALongerOneRefused) {
  MustSet(std::string(65'000, 'k'), "v");
  const auto refused = Call("Set", KeyValueOf(std::string(65'001, 'k'), "v"), &index);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(refused.status.error_message().find("65000"), std::string::npos);
}

// These calls ended the process of the original server.
TEST_F(WriteTest, MissingPartsAreRefused) {
  EXPECT_STATUS(Call("SafeSet", schema::SafeSetOptions(), &proof), INVALID_ARGUMENT, "invalid key");
  EXPECT_STATUS(Call("SafeSetSV", schema::SafeSetSVOptions(), &proof), INVALID_ARGUMENT,
                "invalid key");
  EXPECT_STATUS(Call("SafeReference", schema::SafeReferenceOptions(), &proof), INVALID_ARGUMENT,
                "invalid key");
  EXPECT_STATUS(Call("SafeZAdd", schema::SafeZAddOptions(), &proof), INVALID_ARGUMENT,
                "invalid key");
  schema::StructuredKeyValue no_value;
  no_value.set_key("k");
  EXPECT_STATUS(Call("SetSV", no_value, &index), INVALID_ARGUMENT,
                "proto: Marshal called with nil");
  EXPECT_EQ(Size(), 0U);
}

TEST_F(WriteTest, EmptyBatchIsRefused) {
  EXPECT_STATUS(Call("SetBatch", schema::KVList(), &index), INVALID_ARGUMENT, "Empty set");
  EXPECT_STATUS(Call("SetBatchSV", schema::SKVList(), &index), INVALID_ARGUMENT, "Empty set");
}

TEST_F(WriteTest, BatchKeepsBothVersionsOfAKeyGivenTwice) {
  schema::KVList batch;
  *batch.add_kvs() = KeyValueOf("k", "first");
  *batch.add_kvs() = KeyValueOf("k", "second");
  *batch.add_kvs() = KeyValueOf("other", "");
  EXPECT_EQ(MustWrite("SetBatch", batch), 2U);
  schema::ItemList history;
  EXPECT_CALL_OK(Call("History", KeyOf("k"), &history));
  ASSERT_EQ(history.items_size(), 2);
  EXPECT_EQ(history.items(0).value(), "second");
  EXPECT_EQ(history.items(0).index(), 1U);
  EXPECT_EQ(history.items(1).value(), "first");
  EXPECT_EQ(history.items(1).index(), 0U);
}

TEST_F(WriteTest, StructuredValuesAreStoredAsSerialisedContent) {
  for (const auto& vector : Vectors()["structured_values"]) {
    const uint64_t timestamp = std::stoull(vector["timestamp"].get<std::string>());
    const std::string payload = FromHex(vector["payload"]);
    const uint64_t at = MustWrite("SetSV", StructuredOf("k", timestamp, payload));
    schema::Item raw;
    EXPECT_CALL_OK(Call("ByIndex", IndexOf(at), &raw));
    EXPECT_EQ(raw.value(), FromHex(vector["serialised"]));
    schema::StructuredItem item;
    EXPECT_CALL_OK(Call("GetSV", KeyOf("k"), &item));
    EXPECT_EQ(item.value().timestamp(), timestamp);
    EXPECT_EQ(item.value().payload(), payload);
  }
  schema::SKVList batch;
  *batch.add_skvs() = StructuredOf("a", 1, "x");
  *batch.add_skvs() = StructuredOf("b", 2, "y");
  const uint64_t last = MustWrite("SetBatchSV", batch);
  schema::StructuredItem item;
  EXPECT_CALL_OK(Call("ByIndexSV", IndexOf(last - 1), &item));
  EXPECT_EQ(item.key(), "a");
  EXPECT_EQ(item.value().payload(), "x");
}

TEST_F(WriteTest, ReferenceNeedsAnExistingKey) {
  EXPECT_STATUS(Call("Reference", ReferenceOf("r", "none"), &index), NOT_FOUND, "Key not found");
  EXPECT_STATUS(Call("Reference", ReferenceOf("", "k"), &index), INVALID_ARGUMENT,
                "Key cannot be empty");
  EXPECT_STATUS(Call("Reference", ReferenceOf("r", ""), &index), INVALID_ARGUMENT,
                "Key cannot be empty");
  EXPECT_STATUS(Call("Reference", ReferenceOf(std::string("\0r", 2), "k"), &index),
                INVALID_ARGUMENT, "invalid reference");
  EXPECT_STATUS(Call("Reference", ReferenceOf("r", std::string("\0k", 2)), &index),
                INVALID_ARGUMENT, "invalid key");
  schema::SafeReferenceOptions safe;
  for (const auto& wrong : {ReferenceOf("", "k"), ReferenceOf(std::string("\0r", 2), "k"),
                            ReferenceOf("r", ""), ReferenceOf("r", std::string("\0k", 2))}) {
    *safe.mutable_ro() = wrong;
    EXPECT_STATUS(Call("SafeReference", safe, &proof), INVALID_ARGUMENT, "invalid key");
  }
  *safe.mutable_ro() = ReferenceOf("r", "none");
  EXPECT_STATUS(Call("SafeReference", safe, &proof), NOT_FOUND, "Key not found");
  EXPECT_EQ(Size(), 0U);
}

TEST_F(WriteTest, SortedSetMemberNeedsSetScoreAndExistingKey) {
  MustSet("k", "v");
  EXPECT_STATUS(Call("ZAdd", MemberOf("s", 1, "none"), &index), NOT_FOUND, "Key not found");
  EXPECT_STATUS(Call("ZAdd", MemberOf("", 1, "k"), &index), INVALID_ARGUMENT, "invalid set");
  EXPECT_STATUS(Call("ZAdd", MemberOf(std::string("\0s", 2), 1, "k"), &index), INVALID_ARGUMENT,
                "invalid set");
  EXPECT_STATUS(Call("ZAdd", MemberOf("s", 1, ""), &index), INVALID_ARGUMENT, "invalid key");
  EXPECT_STATUS(Call("ZAdd", MemberOf("s", std::nan(""), "k"), &index), INVALID_ARGUMENT,
                "invalid score");
  schema::SafeZAddOptions safe;
  *safe.mutable_zopts() = MemberOf("s", std::nan(""), "k");
  EXPECT_STATUS(Call("SafeZAdd", safe, &proof), INVALID_ARGUMENT, "invalid score");
  EXPECT_EQ(MustWrite("ZAdd", MemberOf("s", std::numeric_limits<double>::infinity(), "k")), 1U);
}

TEST_F(WriteTest, RootIndexBeyondTheLastEntryStoresNothing) {
  MustSet("k", "v");
  schema::SafeSetOptions set;
  *set.mutable_kv() = KeyValueOf("k", "w");
  set.mutable_rootindex()->set_index(1);
  EXPECT_STATUS(Call("SafeSet", set, &proof), INVALID_ARGUMENT, "invalid root index");
  schema::SafeReferenceOptions reference;
  *reference.mutable_ro() = ReferenceOf("r", "k");
  reference.mutable_rootindex()->set_index(1);
  EXPECT_STATUS(Call("SafeReference", reference, &proof), INVALID_ARGUMENT, "invalid root index");
  schema::SafeZAddOptions member;
  *member.mutable_zopts() = MemberOf("s", 1, "k");
  member.mutable_rootindex()->set_index(1);
  EXPECT_STATUS(Call("SafeZAdd", member, &proof), INVALID_ARGUMENT, "invalid root index");
  EXPECT_EQ(Size(), 1U);
}

TEST_F(WriteTest, ValueMadeFromReferenceIsPlainAgain) {
  MustSet("k", "v");
  MustWrite("Reference", ReferenceOf("r", "k"));
  MustSet("r", "plain");
  schema::Item item;
  EXPECT_CALL_OK(Call("Get", KeyOf("r"), &item));
  EXPECT_EQ(item.value(), "plain");
}

}  // namespace
}  // namespace immudb::testing
