// SPDX-License-Identifier: Apache-2.0
//
// The calls of those who run a server, and structured values, against the real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "client/live_fixture.h"
#include "immudb/client.h"
#include "immudb/verify.h"
#include "pb/pb.pb.h"

namespace immudb {
namespace {

using testing::ElementsAre;

constexpr char kPassword[] = "Secret!1";

// A user who was created, given a right, and stopped must be found so by the next administrator.
TEST_F(Live, UsersAreManaged) {
  ASSERT_TRUE(client_->CreateDatabase("db1").ok());
  EXPECT_EQ(client_->CreateDatabase("db1").code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(*client_->ListDatabases(), testing::UnorderedElementsAre("db1", "defaultdb"));
  ASSERT_TRUE(client_->CreateUser("ann", kPassword, UserPermission::kRead, "db1").ok());
  EXPECT_EQ(client_->CreateUser("ann", kPassword, UserPermission::kRead, "db1").code(),
            StatusCode::kAlreadyExists);
  ASSERT_TRUE(client_->GrantPermission("ann", "defaultdb", UserPermission::kReadWrite).ok());
  const auto find_ann = [&] {
    const auto users = client_->ListUsers();
    const auto ann = std::ranges::find(*users, "ann", &UserInfo::name);
    return ann == users->end() ? UserInfo() : *ann;
  };
  UserInfo ann = find_ann();
  EXPECT_TRUE(ann.active);
  EXPECT_EQ(ann.created_by, "immudb");
  EXPECT_FALSE(ann.created_at.empty());
  ASSERT_EQ(ann.permissions.size(), 2U);
  for (const auto& [database, permission] : ann.permissions) {
    EXPECT_EQ(permission, database == "db1" ? UserPermission::kRead : UserPermission::kReadWrite);
  }
  ASSERT_TRUE(client_->RevokePermission("ann", "db1", UserPermission::kRead).ok());
  ASSERT_TRUE(client_->SetActiveUser("ann", false).ok());
  ann = find_ann();
  EXPECT_FALSE(ann.active);
  ASSERT_EQ(ann.permissions.size(), 1U);
  EXPECT_EQ(ann.permissions.front().database, "defaultdb");
  EXPECT_FALSE(Connect()->Login("ann", kPassword).ok());
}

TEST_F(Live, PasswordsAreChanged) {
  ASSERT_TRUE(client_->CreateUser("ann", kPassword, UserPermission::kRead, "defaultdb").ok());
  ASSERT_TRUE(client_->ChangePassword("ann", "", "Another!2").ok());
  EXPECT_EQ(client_->ChangePassword("immudb", "wrong", "Another!3").code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(client_->Login("ann", kPassword).status().code(), StatusCode::kPermissionDenied);
  EXPECT_TRUE(client_->Login("ann", "Another!2").ok());
}

TEST_F(Live, SettingsReachTheConfiguration) {
  ASSERT_TRUE(client_->UpdateAuthConfig(false).ok());
  ASSERT_TRUE(client_->UpdateAuthConfig(true).ok());
  ASSERT_TRUE(client_->UpdateMtlsConfig(true).ok());
  EXPECT_EQ(settings_, "auth=false;auth=true;mtls=true;");
}

TEST_F(Live, TheTreeIsTheOneThatProofsAreAbout) {
  EXPECT_TRUE(client_->PrintTree()->empty());
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(client_->Set(key, "v").ok());
  const auto tree = client_->PrintTree();
  ASSERT_TRUE(tree.ok()) << tree.status().ToString();
  ASSERT_EQ(tree->size(), 3U);
  ASSERT_EQ(tree->front().size(), 3U);
  EXPECT_EQ(tree->front()[1].key, "b");
  EXPECT_EQ(tree->front()[1].hash, LeafDigest({1}, "b", "v"));
  EXPECT_EQ(tree->front()[1].storage_key, std::string("\0\0\0\0\0\0\0\0\0\1", 10));
  ASSERT_EQ(tree->back().size(), 1U);
  EXPECT_TRUE(tree->back()[0].root);
  EXPECT_EQ(tree->back()[0].hash, (**client_->CurrentRoot()).hash);
}

// A backup made of this stream must hold every version, in bytes that a restore can read.
TEST_F(Live, ADumpHoldsEveryRecord) {
  for (const char* value : {"1", "2"}) ASSERT_TRUE(client_->Set("k", value).ok());
  ASSERT_TRUE(client_->Reference("name", "k").ok());
  std::vector<std::string> entries;
  const auto count = client_->Dump([&](const DumpRecord& record) {
    pb::KV message;
    EXPECT_TRUE(message.ParseFromString(record.serialised));
    EXPECT_EQ(message.key(), record.key);
    EXPECT_EQ(message.value(), record.value);
    EXPECT_EQ(message.version(), record.version);
    EXPECT_EQ(message.user_meta(), record.user_meta);
    if (record.user_meta != "\xFF") {
      entries.push_back(record.key + '=' + record.value + '@' + std::to_string(record.version));
    }
    return Status::Ok();
  });
  ASSERT_TRUE(count.ok()) << count.status().ToString();
  EXPECT_THAT(entries, ElementsAre("k=2@2", "k=1@1", "name=k@3"));
  EXPECT_EQ(*count, 3U + 6U);  // and the nodes: layers of 3, 2 and 1
}

TEST_F(Live, ADumpStopsWhenItIsToldTo) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client_->Set("k", std::to_string(i)).ok());
  int seen = 0;
  const auto count = client_->Dump([&](const DumpRecord& /*record*/) {
    return ++seen < 3 ? Status::Ok() : Status::IoError("disk full");
  });
  EXPECT_EQ(count.status(), Status::IoError("disk full"));
  EXPECT_EQ(seen, 3);
  EXPECT_TRUE(client_->Get("k").ok());
}

TEST_F(Live, ADumpThatIsNotAllowedSaysSo) {
  ASSERT_TRUE(client_->CreateUser("ann", kPassword, UserPermission::kRead, "defaultdb").ok());
  ASSERT_TRUE(client_->Login("ann", kPassword).ok());
  ASSERT_TRUE(client_->UseDatabase("defaultdb").ok());
  const auto count = client_->Dump([](const DumpRecord& /*record*/) { return Status::Ok(); });
  EXPECT_EQ(count.status().code(), StatusCode::kPermissionDenied) << count.status().ToString();
}

// Values of the original's programs: each call must keep payload and time of the writer.
TEST_F(Live, StructuredValuesGoThroughEveryCall) {
  ASSERT_TRUE(client_->SetStructured("k", {1, "a"}).ok());
  const std::vector<StructuredKeyValue> batch = {{"k", {2, "b"}}, {"l", {3, ""}}};
  EXPECT_EQ(client_->SetBatchStructured(batch)->value, 2U);
  EXPECT_EQ(client_->SetBatchStructured({}).status().code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(client_->ZAdd("set", 1, "l").ok());
  const auto k = client_->GetStructured("k");
  ASSERT_TRUE(k.ok()) << k.status().ToString();
  EXPECT_EQ(k->value.timestamp, 2U);
  EXPECT_EQ(k->value.payload, "b");
  EXPECT_EQ(client_->ByIndexStructured({0})->value.payload, "a");
  EXPECT_EQ(client_->HistoryStructured("k")->back().value.timestamp, 1U);
  EXPECT_EQ(client_->ScanStructured({.prefix = "k"})->size(), 1U);
  EXPECT_EQ(client_->ZScanStructured({.set = "set"})->front().value.timestamp, 3U);
  const auto page = client_->IScanStructured(1, 2);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_EQ(page->items.size(), 2U);
  const std::vector<std::string> keys = {"l", "k"};
  EXPECT_EQ(client_->GetBatchStructured(keys)->front().value.timestamp, 3U);
  ASSERT_TRUE(client_->Set("raw", std::string("\x0B", 1)).ok());
  EXPECT_FALSE(client_->GetStructured("raw").ok());
}

TEST_F(Live, StructuredValuesAreProven) {
  const auto set = client_->SafeSetStructured("k", StampedNow("v"));
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  const auto get = client_->SafeGetStructured("k");
  ASSERT_TRUE(get.ok()) << get.status().ToString();
  EXPECT_EQ(get->leaf, set->leaf);
  const auto value = DecodeStructured(get->item.value);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->payload, "v");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  EXPECT_LE(seconds - value->timestamp, 120U);
}

// The same Content, its fields in the other order: another hash, and yet no tampering.
TEST_F(Live, AnUnusualEncodingIsNoFalseAlarm) {
  const std::string swapped("\x12\x01v\x08\x05", 5);
  ASSERT_TRUE(client_->Set("k", swapped).ok());
  const auto get = client_->SafeGetStructured("k");
  ASSERT_TRUE(get.ok()) << get.status().ToString();
  EXPECT_EQ(get->item.value, swapped);
  EXPECT_EQ(DecodeStructured(get->item.value)->timestamp, 5U);
}

TEST_F(Live, AVerifiedItemCarriesItsProof) {
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(client_->Set("k", std::to_string(i)).ok());
  const auto item = client_->BySafeIndex({4});
  ASSERT_TRUE(item.ok());
  const auto steps =
      ExplainInclusion(item->item.index, TreeEndingAt(item->tree.index), item->leaf, item->path);
  ASSERT_TRUE(steps.ok()) << steps.status().ToString();
  EXPECT_EQ(steps->back().parent, (**client_->CurrentRoot()).hash);
}

// What an auditor does: takes the document home and checks it against the root noted months ago.
TEST_F(Live, AProofHoldsWithoutTheServer) {
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(client_->Set("k", std::to_string(i)).ok());
  const auto old = **client_->CurrentRoot();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(client_->Set("l", std::to_string(i)).ok());
  const auto document = client_->Prove("k", old);
  ASSERT_TRUE(document.ok()) << document.status().ToString();
  EXPECT_EQ(document->database, "defaultdb");
  EXPECT_EQ(document->server_uuid, client_->server_uuid());
  EXPECT_EQ(document->value, "6");
  const auto current = **client_->CurrentRoot();
  ASSERT_TRUE(server_->Shutdown(std::chrono::milliseconds(1000)).ok());
  const auto read = ParseProofDocument(ToJson(*document));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(CheckProofDocument(*read, std::nullopt).ok());
  EXPECT_TRUE(CheckProofDocument(*read, old).ok());
  EXPECT_TRUE(CheckProofDocument(*read, current).ok());
}

}  // namespace
}  // namespace immudb
