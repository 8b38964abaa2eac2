// SPDX-License-Identifier: Apache-2.0
//
// dump and load: nothing is lost on the way, and nothing is taken that is not the whole.
#include <gmock/gmock.h>

#include <filesystem>
#include <functional>

#include "client/immuadmin_live.h"
#include "commands/command.h"
#include "immuadmin/dump_file.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

using testing::HasSubstr;

class ImmuadminDump : public LiveImmuadmin {
 protected:
  void SetUp() override {
    LiveImmuadmin::SetUp();
    LogIn();
  }

  // Every kind of entry, several versions, a name of a reference that looks like a member's.
  TreeRoot Fill() {
    for (int i = 0; i < 40; ++i) {
      EXPECT_TRUE(client_->Set("key" + std::to_string(i % 7), std::to_string(i)).ok());
    }
    const std::vector<KeyValue> batch = {{"x", "1"}, {"y", ""}, {"x", "2"}};
    EXPECT_TRUE(client_->SetBatch(batch).ok());
    EXPECT_TRUE(client_->Reference("name", "x").ok());
    EXPECT_TRUE(client_->Reference("like-@ member-of-x", "x").ok());
    EXPECT_TRUE(client_->ZAdd("set", -0.0, "x").ok());
    EXPECT_TRUE(client_->ZAdd("set", 1e300, "y").ok());
    return **client_->CurrentRoot();
  }
  Ended Dump() { return Admin({"dump", file_}); }
  Ended LoadIntoNew(const std::string& name) {
    EXPECT_EQ(Admin({"database", "create", name}).code, 0);
    EXPECT_EQ(Admin({"database", "use", name}).code, 0);
    EXPECT_TRUE(client_->UseDatabase(name).ok());
    return Admin({"load", file_});
  }
  // The records of the dump, changed and written again.
  void Rewrite(const std::function<bool(pb::KV&)>& keep) {
    const auto reader = DumpReader::Open(file_, DumpReader::Order::kSequential);
    ASSERT_TRUE(reader.ok());
    const auto writer = DumpWriter::Create(file_);
    ASSERT_TRUE(writer.ok());
    uint64_t next = 0;
    for (uint64_t offset = 0; offset < (*reader)->size(); offset = next) {
      auto record = (*reader)->At(offset, &next);
      ASSERT_TRUE(record.ok());
      if (!keep(*record)) continue;
      DumpRecord changed;
      changed.serialised = record->SerializeAsString();
      ASSERT_TRUE((*writer)->Add(changed).ok());
    }
    ASSERT_TRUE((*writer)->Finish().ok());
  }

  const std::string file_ = directory_ / "all.bkp";
};

TEST_F(ImmuadminDump, IsLoadedToTheSameRoot) {
  const TreeRoot root = Fill();
  EXPECT_EQ(Dump().out, "SUCCESS: 47 key-value entries were backed-up to file " + file_ + "\n");
  EXPECT_EQ(std::filesystem::status(file_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const Ended loaded = LoadIntoNew("copy");
  EXPECT_EQ(loaded.code, 0) << loaded.err;
  EXPECT_THAT(loaded.out, HasSubstr("Loaded 47 entries"));
  EXPECT_EQ(**client_->CurrentRoot(), root);
  EXPECT_EQ(client_->ZScan({.set = "set"})->size(), 2U) << "members are members again";
  EXPECT_EQ(client_->Get("like-@ member-of-x")->value, "2") << "and references references";
  EXPECT_EQ(client_->History("x")->size(), 2U);
}

// As the original writes it: no kinds, the metadata key, one version for all of a batch, and its
// tree's nodes wherever they come.
TEST_F(ImmuadminDump, OfTheOriginalIsLoadedToTheSameRoot) {
  const TreeRoot root = Fill();
  ASSERT_EQ(Dump().code, 0);
  Rewrite([](pb::KV& record) {
    record.clear_meta();
    if (record.user_meta() != "\xFF" && (record.version() == 41 || record.version() == 42)) {
      record.set_version(43);
    }
    return true;
  });
  const Ended loaded = LoadIntoNew("copy");
  EXPECT_EQ(loaded.code, 0) << loaded.err;
  EXPECT_EQ(**client_->CurrentRoot(), root);
}

TEST_F(ImmuadminDump, OfAnEmptyDatabaseLeavesNoFile) {
  EXPECT_EQ(Dump().out, "Database is empty.\n");
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_FALSE(std::filesystem::exists(file_ + ".part"));
}

TEST_F(ImmuadminDump, IsLoadedIntoEmptyDatabasesOnly) {
  Fill();
  ASSERT_EQ(Dump().code, 0);
  const Ended refused = Admin({"load", file_});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("is not empty"));
}

TEST_F(ImmuadminDump, ThatIsDamagedWritesNothing) {
  Fill();
  ASSERT_EQ(Dump().code, 0);
  Rewrite([](pb::KV& record) {
    if (record.key() == "y") record.set_value("forged");
    return true;
  });
  const Ended forged = LoadIntoNew("forged");
  EXPECT_EQ(forged.code, 3);
  EXPECT_THAT(forged.err, HasSubstr("the entry with key \"y\" and version 42 is not in its tree"));
  EXPECT_FALSE(client_->CurrentRoot()->has_value());

  ASSERT_TRUE(client_->UseDatabase("defaultdb").ok());
  ASSERT_EQ(Admin({"database", "use", "defaultdb"}).code, 0);
  ASSERT_EQ(Dump().code, 0);
  Rewrite([](pb::KV& record) { return record.key() != "y"; });
  EXPECT_THAT(LoadIntoNew("missing").err, HasSubstr("the entry with index 41 is missing"));

  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) - 1);
  const Ended cut = Admin({"load", file_});
  EXPECT_EQ(cut.code, 3);
  EXPECT_THAT(cut.err, HasSubstr("this is no whole record of a dump"));
  EXPECT_EQ(Admin({"load", file_ + "x"}).code, 4);
}

TEST(DumpKinds, OfTheOriginalAreGuessedByTheirScores) {
  pb::KV record;
  record.set_user_meta("\1");
  record.set_value("key");
  record.set_key("reference");
  EXPECT_EQ(KindOf(record), EntryKind::kReference);
  record.set_key("a-long-reference-to-key");
  EXPECT_EQ(KindOf(record), EntryKind::kReference) << "as a score 'ence-to-' is 1e180";
  record.set_key(SortedSetKey("set", -12.5, "key"));
  EXPECT_EQ(KindOf(record), EntryKind::kSortedSetMember);
  EXPECT_EQ(MemberOf(record).set, "set");
  EXPECT_EQ(MemberOf(record).score, -12.5);
}

}  // namespace
}  // namespace immudb
