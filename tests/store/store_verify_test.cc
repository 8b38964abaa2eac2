// SPDX-License-Identifier: Apache-2.0
//
// Looking at a stopped store: whatever byte was changed, it is found and named, and nothing is
// changed by looking.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>

#include "base/thread_pool.h"
#include "immudb/store.h"
#include "immudb/verify.h"
#include "support/temp_dir.h"

namespace immudb::testing {
namespace {

class StoreVerifyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = Store::Open(path_, {});
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    for (int i = 0; i < 300; ++i) {
      Transaction transaction;
      ASSERT_TRUE(transaction.Set(Key(i), "value-" + std::to_string(i) + "-end").ok());
      if (i == 7) {
        ASSERT_TRUE(transaction.Set("large", std::string(5000, 'L')).ok());
        ASSERT_TRUE(transaction.AddReference("reference", Key(0)).ok());
        ASSERT_TRUE(transaction.AddSortedSetMember("set", 1.5, Key(1)).ok());
      }
      ASSERT_TRUE((*store)->Commit(std::move(transaction)).ok());
    }
    size_ = (*store)->Latest().size();
    root_ = (*store)->Latest().root();
    early_root_ = (*store)->Latest().At({100})->root();
    ASSERT_TRUE((*store)->Close().ok());
  }

  static std::string Key(int i) {
    std::string key("key-");
    return key += std::to_string(i);
  }
  VerifyReport Verify(const VerifyOptions& options = {}) const {
    auto report = Store::Verify(path_, options);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *std::move(report) : VerifyReport();
  }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

  static std::string Read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void Write(const std::string& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
  }
  static void Flip(const std::string& file, size_t offset) {
    std::string bytes = Read(file);
    ASSERT_LT(offset, bytes.size());
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x20);
    Write(file, bytes);
  }
  // Where this text stands in the log.
  size_t InLog(const std::string& text) const { return Read(log_).find(text); }
  // The only damage, or the test fails.
  static Damage Only(const VerifyReport& report) {
    EXPECT_EQ(report.damages.size(), 1U);
    return report.damages.empty() ? Damage() : report.damages.front();
  }

  TempDir directory_;
  const std::string path_ = directory_.File("db");
  const std::string log_ = path_ + "/log/00000000.log";
  TreeSize size_;
  Digest root_{};
  Digest early_root_{};
};

TEST_F(StoreVerifyTest, SoundStoreIsSoundAndUntouched) {
  const auto contents = [this] {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      // RocksDB names its own log anew whenever it is looked at.
      if (entry.is_regular_file() && entry.path().filename().string().rfind("LOG", 0) != 0) {
        all[entry.path()] = Read(entry.path());
      }
    }
    return all;
  };
  const auto before = contents();
  ThreadPool pool(2);
  uint64_t told = 0;
  const auto report = Verify({.trusted = VerifyOptions::Trusted{{100}, early_root_},
                              .pool = &pool,
                              .progress = [&](uint64_t entries, uint64_t bytes, uint64_t total) {
                                told = entries;
                                EXPECT_LE(bytes, total);
                              }});
  EXPECT_TRUE(report.damages.empty());
  EXPECT_EQ(report.size, size_);
  EXPECT_EQ(report.root, root_);
  EXPECT_EQ(report.torn_bytes, 0U);
  EXPECT_EQ(told, size_.value);
  EXPECT_EQ(contents(), before);
}

TEST_F(StoreVerifyTest, FlippedValueIsNamedWithFileOffsetIndexAndKey) {
  const size_t at = InLog("value-123-end");
  Flip(log_, at);
  const Damage damage = Only(Verify());
  EXPECT_EQ(damage.file, log_);
  EXPECT_LT(damage.offset, at);
  EXPECT_GT(damage.offset + 40, at);
  EXPECT_EQ(damage.index, LeafIndex{126});  // three entries came in between
  EXPECT_EQ(damage.key, "key-123");
}

TEST_F(StoreVerifyTest, DamageOfTheFirstEntryIsNamedToo) {
  Flip(log_, InLog("value-0-end"));
  const Damage damage = Only(Verify());
  EXPECT_EQ(damage.file, log_);
  EXPECT_EQ(damage.index, LeafIndex{0});
  EXPECT_EQ(damage.key, "key-0");
}

TEST_F(StoreVerifyTest, DamageAtTheBeginningOfALaterSegmentIsNamed) {
  const std::string many = directory_.File("many");
  {
    StoreOptions options;
    options.segment_bytes = 1000;
    auto store = Store::Open(many, options);
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 50; ++i) {
      Transaction transaction;
      ASSERT_TRUE(transaction.Set(Key(i), std::string(100, 'v')).ok());
      ASSERT_TRUE((*store)->Commit(std::move(transaction)).ok());
    }
    ASSERT_TRUE((*store)->Close().ok());
  }
  const std::string second = many + "/log/00000001.log";
  const std::string bytes = Read(second);
  Flip(second, bytes.find("vvvv"));
  auto report = Store::Verify(many, {});
  ASSERT_TRUE(report.ok());
  Damage damage = Only(*report);
  EXPECT_EQ(damage.file, second);
  EXPECT_EQ(damage.key.rfind("key-", 0), 0U);
  EXPECT_EQ(damage.index, LeafIndex{report->size.value});
  Write(second, bytes);
  Flip(second, 2);
  report = Store::Verify(many, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(Only(*report).what, "the segment header is damaged");
}

TEST_F(StoreVerifyTest, FlippedFrameHeaderIsNamed) {
  const size_t key = InLog("key-200");
  const size_t header = Read(log_).rfind("RFM1", key);
  Flip(log_, header + 9);
  const Damage damage = Only(Verify());
  EXPECT_EQ(damage.file, log_);
  EXPECT_EQ(damage.offset, header);
  EXPECT_EQ(damage.index, LeafIndex{203});
  EXPECT_NE(damage.what.find("header"), std::string::npos);
}

TEST_F(StoreVerifyTest, FlippedSegmentHeaderIsNamed) {
  Flip(log_, 3);
  EXPECT_NE(Only(Verify()).what.find("segment header"), std::string::npos);
}

TEST_F(StoreVerifyTest, EachRecordOfTheTreeIsCompared) {
  const std::string tree = File("tree");
  const std::string bytes = Read(tree);
  for (const size_t record :
       {size_t{0}, size_t{2}, size_t{6}, size_t{333}, bytes.size() / 32 - 1}) {
    Flip(tree, record * 32 + 31);
    const Damage damage = Only(Verify());
    EXPECT_EQ(damage.file, tree);
    EXPECT_EQ(damage.offset, record * 32);
    ASSERT_TRUE(damage.index.has_value());
    EXPECT_FALSE(damage.key.empty());
    Write(tree, bytes);
  }
  EXPECT_TRUE(Verify().damages.empty());
}

TEST_F(StoreVerifyTest, PositionsAndCheckpointAreCompared) {
  Flip(File("positions"), 8 * 50 + 1);
  EXPECT_EQ(Only(Verify()).index, LeafIndex{50});
  Flip(File("positions"), 8 * 50 + 1);
  const std::string tree = Read(File("tree"));
  Write(File("tree"), tree.substr(0, 3200));
  EXPECT_EQ(Only(Verify()).what, "the file ends before the entries of the checkpoint");
  Write(File("tree"), tree + std::string(64, 'x'));
  EXPECT_EQ(Only(Verify()).what, "the file has more entries than the log");
}

TEST_F(StoreVerifyTest, FlippedIndexIsFoundWhereverItWasFlipped) {
  std::string table;
  for (const auto& file : std::filesystem::directory_iterator(File("index"))) {
    if (file.path().extension() == ".sst" && Read(file.path()).size() > 4000) table = file.path();
  }
  ASSERT_FALSE(table.empty());
  const std::string bytes = Read(table);
  for (size_t offset = 100; offset < bytes.size(); offset += bytes.size() / 7) {
    Flip(table, offset);
    const auto report = Verify();
    ASSERT_FALSE(report.damages.empty()) << offset;
    EXPECT_EQ(report.damages[0].file, File("index"));
    EXPECT_EQ(report.root, root_) << "the log is still the truth";
    Write(table, bytes);
  }
}

// An index that is in itself sound, but another one.
// An index whose files lie must not be able to end the command that derives it again.
TEST_F(StoreVerifyTest, TheIndexIsNotOpenedForWhoeverWillRemoveIt) {
  for (const auto& file : std::filesystem::directory_iterator(File("index"))) {
    Write(file.path(), "no file of RocksDB");
  }
  EXPECT_FALSE(Verify().damages.empty());
  const VerifyReport report = Verify({.read_index = false});
  EXPECT_TRUE(report.damages.empty());
  EXPECT_EQ(report.root, root_);
  ASSERT_TRUE(Store::Rebuild(path_).ok());
  EXPECT_TRUE(Verify().damages.empty());
}

TEST_F(StoreVerifyTest, ForeignIndexIsFoundEntryByEntry) {
  const std::string other = directory_.File("other");
  {
    auto store = Store::Open(other, {});
    ASSERT_TRUE(store.ok());
    for (uint64_t i = 0; i < size_.value; ++i) {
      Transaction transaction;
      const int number = static_cast<int>(i);
      ASSERT_TRUE(transaction.Set(Key(number), "value-" + std::to_string(i) + "-end").ok());
      ASSERT_TRUE((*store)->Commit(std::move(transaction)).ok());
    }
    ASSERT_TRUE((*store)->Close().ok());
  }
  std::filesystem::remove_all(File("index"));
  std::filesystem::copy(other + "/index", File("index"), std::filesystem::copy_options::recursive);
  const Damage damage = Only(Verify());
  EXPECT_EQ(damage.index, LeafIndex{8});
  EXPECT_EQ(damage.key, "large");
}

TEST_F(StoreVerifyTest, ExpectedRootDecides) {
  EXPECT_TRUE(Verify({.trusted = VerifyOptions::Trusted{size_, root_}}).damages.empty());
  Digest other = root_;
  other[0] ^= 1;
  EXPECT_NE(Only(Verify({.trusted = VerifyOptions::Trusted{size_, other}})).what.find("not the"),
            std::string::npos);
  EXPECT_NE(Only(Verify({.trusted = VerifyOptions::Trusted{{1000}, root_}})).what.find("ends"),
            std::string::npos);
}

// Cutting whole entries off the end, as somebody would who wants them never to have been.
TEST_F(StoreVerifyTest, ShortenedLogIsFound) {
  const size_t header = Read(log_).rfind("RFM1", InLog("key-250"));
  Write(log_, Read(log_).substr(0, header));
  const auto report = Verify();
  ASSERT_FALSE(report.damages.empty());
  EXPECT_EQ(report.size, TreeSize{253});
  EXPECT_NE(report.damages[0].what.find("log ends before"), std::string::npos)
      << report.damages[0].what;
}

TEST_F(StoreVerifyTest, TornTailIsNoDamage) {
  Write(log_, Read(log_) + std::string("RFM1 half a frame"));
  const auto report = Verify();
  EXPECT_TRUE(report.damages.empty());
  EXPECT_GT(report.torn_bytes, 0U);
  EXPECT_EQ(report.root, root_);
}

TEST_F(StoreVerifyTest, OpenStoreAndNoStoreAreRefused) {
  EXPECT_EQ(Store::Verify(directory_.File("none"), {}).status().code(), StatusCode::kNotFound);
  const auto store = Store::Open(path_, {});
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(Store::Verify(path_, {}).status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace immudb::testing
