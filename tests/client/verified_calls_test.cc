// SPDX-License-Identifier: Apache-2.0
//
// A client against a server that lies: it must notice, say so in the right way, and go on trusting
// only what it trusted before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "client/client_test_util.h"
#include "client/fake_server.h"
#include "immudb/client.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

// "k7" of ("k", 7).
std::string Name(std::string prefix, int number) {
  return prefix.append(std::to_string(number));
}

class VerifiedCalls : public testing::Test {
 protected:
  void SetUp() override { client_ = Connect(server_); }

  std::unique_ptr<Client> Connect(const FakeServer& server) const {
    ClientOptions options;
    options.port = server.port();
    options.token_file = "";
    options.root_directory = directory_.path();
    auto client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    return *std::move(client);
  }
  std::optional<TreeRoot> Trusted() const { return *client_->TrustedRoot(); }
  TreeRoot Current() const { return {{server_.size() - 1}, server_.Root()}; }

  // The call must fail verification with this code, show what it refused, and change no trust.
  template <typename Call>
  void ExpectTampering(const Call& call, StatusCode code = StatusCode::kDataLoss) {
    const auto before = Trusted();
    VerifiedItem rejected;
    const auto result = call(&rejected);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), code) << result.status().ToString();
    EXPECT_TRUE(IsVerificationFailure(result.status()));
    EXPECT_EQ(Trusted(), before);
  }
  auto SafeGet(const std::string& key) {
    return [this, key](VerifiedItem* rejected) { return client_->SafeGet(key, rejected); };
  }
  auto SafeSet(const std::string& key) {
    return [this, key](VerifiedItem* rejected) { return client_->SafeSet(key, "v", rejected); };
  }

  TemporaryDirectory directory_;
  FakeServer server_;
  std::unique_ptr<Client> client_;
};

TEST_F(VerifiedCalls, AnHonestServerIsBelievedAndFollowed) {
  EXPECT_FALSE(Trusted());
  for (int i = 0; i < 20; ++i) {
    const std::string key = Name("k", i % 7);
    const auto set = client_->SafeSet(key, Name("v", i));
    ASSERT_TRUE(set.ok()) << i << ' ' << set.status().ToString();
    EXPECT_EQ(Trusted(), Current());
    server_.Append("others", std::to_string(i));
    const auto get = client_->SafeGet(key);
    ASSERT_TRUE(get.ok()) << i << ' ' << get.status().ToString();
    EXPECT_EQ(get->item.index, set->item.index);
    EXPECT_EQ(get->item.value, Name("v", i));
    EXPECT_EQ(get->leaf, LeafDigest(set->item.index, key, get->item.value));
    EXPECT_EQ(get->key_match, KeyMatch::kExact);
    EXPECT_EQ(Trusted(), Current());
    const auto again = client_->SafeGet(key);  // the tree has not grown since
    ASSERT_TRUE(again.ok()) << again.status().ToString();
  }
  EXPECT_EQ(client_->BySafeIndex({3})->item.key, "others");
}

TEST_F(VerifiedCalls, ReferencesAndSetMembersAreVerifiedAsTheyAreHashed) {
  ASSERT_TRUE(client_->SafeSet("k", "v").ok());
  const auto reference = client_->SafeReference("name", "k");
  ASSERT_TRUE(reference.ok()) << reference.status().ToString();
  EXPECT_EQ(reference->item.key, "name");
  const auto member = client_->SafeZAdd("set", -1.5, "k");
  ASSERT_TRUE(member.ok()) << member.status().ToString();
  EXPECT_EQ(member->item.key, SortedSetKey("set", -1.5, "k"));
}

TEST_F(VerifiedCalls, TheFirstContactTrustsTheCurrentRoot) {
  server_.Append("a", "1");
  server_.Append("b", "2");
  ASSERT_TRUE(client_->SafeGet("a").ok());
  EXPECT_EQ(Trusted(), Current());
}

TEST_F(VerifiedCalls, AMissIsNoTampering) {
  server_.Append("a", "1");
  const auto miss = client_->SafeGet("nothing");
  EXPECT_EQ(miss.status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(IsVerificationFailure(miss.status()));
}

// Every field of an answer, for a write and for a read.
using Alteration = std::function<void(schema::SafeItem*)>;
struct Lie {
  const char* name;
  StatusCode code;
  Alteration alter;
  bool reads_only = false;
};

std::vector<Lie> Lies() {
  const auto flip = [](std::string* bytes) {
    bytes->front() = static_cast<char>(bytes->front() ^ 4);
  };
  using M = schema::SafeItem*;
  const auto kFailed = StatusCode::kDataLoss;
  const auto kMalformed = StatusCode::kInvalidArgument;
  return {
      {"leaf", kFailed, [=](M m) { flip(m->mutable_proof()->mutable_leaf()); }},
      {"root", kFailed, [=](M m) { flip(m->mutable_proof()->mutable_root()); }},
      {"index", kFailed, [](M m) { m->mutable_proof()->set_index(0); }},
      {"inclusion", kFailed, [=](M m) { flip(m->mutable_proof()->mutable_inclusionpath(0)); }},
      {"consistency", kFailed, [=](M m) { flip(m->mutable_proof()->mutable_consistencypath(0)); }},
      {"no root", kMalformed, [](M m) { m->mutable_proof()->clear_root(); }},
      {"no leaf", kMalformed, [](M m) { m->mutable_proof()->clear_leaf(); }},
      {"no inclusion", kMalformed, [](M m) { m->mutable_proof()->clear_inclusionpath(); }},
      {"no consistency", kMalformed, [](M m) { m->mutable_proof()->clear_consistencypath(); }},
      {"no proof", kMalformed, [](M m) { m->mutable_proof()->Clear(); }},
      {"huge tree", kMalformed, [](M m) { m->mutable_proof()->set_at(~uint64_t{0}); }},
      {"value", kFailed, [](M m) { m->mutable_item()->set_value("forged"); }, true},
      {"key", kFailed, [](M m) { m->mutable_item()->set_key("other"); }, true},
      {"item index", kFailed, [](M m) { m->mutable_item()->set_index(1); }, true},
      {"no item", kMalformed, [](M m) { m->clear_item(); }, true},
  };
}

TEST_F(VerifiedCalls, EveryForgedFieldIsNoticed) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client_->SafeSet(Name("k", i), "v").ok());
  for (const auto& lie : Lies()) {
    SCOPED_TRACE(lie.name);
    server_.Append("k", "v");  // so that there is something to prove
    server_.Append("last", "v");
    server_.Alter(lie.alter);
    ExpectTampering(SafeGet("k"), lie.code);
    if (!lie.reads_only) ExpectTampering(SafeSet("k"), lie.code);
    server_.Alter(nullptr);
    EXPECT_TRUE(client_->SafeGet("k").ok());
  }
}

TEST_F(VerifiedCalls, TheRefusedAnswerCanBeShown) {
  server_.Append("k", "v");
  server_.Alter([](schema::SafeItem* answer) { answer->mutable_item()->set_value("forged"); });
  VerifiedItem rejected;
  EXPECT_FALSE(client_->SafeGet("k", &rejected).ok());
  EXPECT_EQ(rejected.item.value, "forged");
}

TEST_F(VerifiedCalls, ARewrittenPastIsNoticed) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(client_->SafeSet(Name("k", i), "v").ok());
  server_.Rewrite(2, "forged");
  ExpectTampering(SafeGet("k2"));
  ExpectTampering(SafeGet("k5"));  // also by those who read something else
  ExpectTampering(SafeSet("k6"));
}

TEST_F(VerifiedCalls, AShrunkenDatabaseIsNoticed) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(client_->SafeSet(Name("k", i), "v").ok());
  server_.Truncate(3);  // a backup was put back: the server itself refuses the index we know
  ExpectTampering(SafeGet("k1"));
  ExpectTampering(SafeSet("k1"));
  server_.IgnoreRootIndex();
  ExpectTampering(SafeGet("k1"));
  ExpectTampering(SafeSet("k1"));
}

TEST_F(VerifiedCalls, AnotherTreeOfTheSameSizeIsNoticed) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(client_->SafeSet(Name("k", i), "v").ok());
  server_.Truncate(3);
  server_.Append("k3", "forged");
  ExpectTampering(SafeGet("k3"));
}

TEST_F(VerifiedCalls, AnotherGenuineEntryIsNoAnswer) {
  server_.Append("mine", "1");
  server_.Append("yours", "2");
  auto other = Connect(server_);
  schema::SafeItem yours;
  server_.Alter([&yours](schema::SafeItem* answer) { yours = *answer; });
  ASSERT_TRUE(other->SafeGet("yours").ok());
  server_.Alter([&yours](schema::SafeItem* answer) { *answer = yours; });
  ExpectTampering(SafeGet("mine"));
  ExpectTampering([this](VerifiedItem* rejected) { return client_->BySafeIndex({0}, rejected); });
}

TEST_F(VerifiedCalls, AFollowedReferenceIsProven) {
  server_.Append("target", "1");
  server_.Append("name", "target", true);
  server_.Append("filler", "1");
  const auto item = client_->SafeGet("name");
  ASSERT_TRUE(item.ok()) << item.status().ToString();
  EXPECT_EQ(item->item.key, "target");
  EXPECT_EQ(item->key_match, KeyMatch::kReference);
  server_.Append("name", "plain");
  EXPECT_EQ(client_->SafeGet("name")->key_match, KeyMatch::kExact);
}

TEST_F(VerifiedCalls, AnInventedReferenceIsNoticed) {
  server_.Append("target", "1");
  server_.Append("name", "target", true);
  server_.Append("victim", "2");
  schema::SafeItem target;
  server_.Alter([&target](schema::SafeItem* answer) {
    if (answer->item().key() == "victim") *answer = target;
    if (answer->item().key() == "target") target = *answer;
  });
  ASSERT_TRUE(client_->SafeGet("name").ok());
  server_.AlterHistory([](schema::ItemList* list) { list->mutable_items(0)->set_value("target"); });
  ExpectTampering(SafeGet("victim"));
}

// Two clients of one machine share the trust; the server shows the second one something else.
TEST_F(VerifiedCalls, ARootThatMovedMeanwhileIsRespected) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client_->SafeSet(Name("k", i), "v").ok());
  auto other = Connect(server_);
  bool first = true;
  server_.Alter([&](schema::SafeItem* /*answer*/) {
    if (!std::exchange(first, false)) return;
    ASSERT_TRUE(other->SafeSet("between", "v").ok());
  });
  const auto set = client_->SafeSet("k3", "v");
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  EXPECT_EQ(Trusted(), Current());  // not back to the smaller tree
}

TEST_F(VerifiedCalls, TwoTreesForTwoClientsAreNoticed) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client_->SafeSet(Name("k", i), "v").ok());
  auto other = Connect(server_);
  bool first = true;
  server_.Alter([&](schema::SafeItem* /*answer*/) {
    if (!std::exchange(first, false)) return;
    server_.Truncate(3);  // the entry of the first client never happened, for the second
    ASSERT_TRUE(other->SafeSet("fork", "v").ok());
    ASSERT_TRUE(other->SafeSet("fork", "v").ok());
  });
  VerifiedItem rejected;
  const auto set = client_->SafeSet("k3", "v", &rejected);
  EXPECT_EQ(set.status().code(), StatusCode::kDataLoss) << set.status().ToString();
  EXPECT_EQ(Trusted(), Current());
}

TEST_F(VerifiedCalls, ManyThreadsAndClientsKeepOneTrust) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 15;
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  auto other = Connect(server_);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Client& client = t % 2 == 0 ? *client_ : *other;
      for (int i = 0; i < kRounds; ++i) {
        const auto set = client.SafeSet(Name("t", t), std::to_string(i));
        if (!set.ok() || !client.SafeGet(Name("t", t)).ok()) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(Trusted(), Current());
}

TEST_F(VerifiedCalls, TrustIsKeptPerServerAndDatabase) {
  ASSERT_TRUE(client_->SafeSet("k", "v").ok());
  ASSERT_TRUE(client_->UseDatabase("other").ok());
  EXPECT_FALSE(Trusted());
  ASSERT_TRUE(client_->SafeSet("k", "v").ok());
  EXPECT_TRUE(Trusted());
  FakeServer second("bt50p051mb1t9pfm0sc0");
  EXPECT_FALSE(*Connect(second)->TrustedRoot());
  // After a restart of the program the trust is still there.
  client_ = Connect(server_);
  EXPECT_EQ(Trusted()->index.value, 0U);
}

}  // namespace
}  // namespace immudb
