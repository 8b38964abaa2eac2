// SPDX-License-Identifier: Apache-2.0
//
// A store that is opened again is the same store.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "base/file_system.h"
#include "store/store_fixture.h"

namespace immudb::testing {
namespace {

class StoreReopenTest : public StoreTest {
 protected:
  size_t Segments() { return FileSystem::Real().List(directory_ + "/log")->size(); }
};

TEST_F(StoreReopenTest, EmptyStore) {
  Reopen();
  EXPECT_EQ(store_->Latest().size(), TreeSize{0});
  EXPECT_EQ(Set("first", "v"), 0U);
}

TEST_F(StoreReopenTest, AnswersAreTheSame) {
  for (uint64_t n = 0; n < 150; ++n) Commit(WorkloadTransaction(n));
  const std::string before = AllAnswers(store_->Latest());
  Reopen();
  EXPECT_TRUE(AllAnswers(store_->Latest()) == before);
  Commit(WorkloadTransaction(150));
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

TEST_F(StoreReopenTest, ManyTimesWithAFewWrites) {
  uint64_t number = 0;
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < round; ++i) Commit(WorkloadTransaction(number++));
    Reopen();
    ASSERT_TRUE(HoldsWholeTransactionsOnly(store_->Latest()));
  }
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

TEST_F(StoreReopenTest, OverSeveralSegments) {
  store_.reset();
  options_.segment_bytes = 32 << 10;
  Open();
  for (uint64_t n = 0; n < 300; ++n) Commit(WorkloadTransaction(n));
  EXPECT_GT(Segments(), 5U);
  const std::string before = AllAnswers(store_->Latest());
  Reopen();
  EXPECT_TRUE(AllAnswers(store_->Latest()) == before);
  options_.segment_bytes = 1 << 20;
  Reopen();
  for (uint64_t n = 300; n < 350; ++n) Commit(WorkloadTransaction(n));
  Reopen();
  EXPECT_TRUE(HoldsWholeTransactionsOnly(store_->Latest())) << "the size may be changed";
}

// Checkpoints are taken beside the writers, each of some published state.
TEST_F(StoreReopenTest, WithCheckpointsBetweenWrites) {
  store_.reset();
  options_.checkpoint_entries = 50;
  options_.segment_bytes = 64 << 10;
  options_.write_buffer_bytes = 64 << 10;
  Open();
  for (uint64_t n = 0; n < 1500; ++n) {
    store_->CommitAsync(WorkloadTransaction(n),
                        [](const Result<CommitInfo>& info) { EXPECT_TRUE(info.ok()); });
  }
  Commit(WorkloadTransaction(1500));
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/CHECKPOINT"));
  const Digest root = store_->Latest().root();
  Reopen();
  EXPECT_EQ(store_->Latest().root(), root);
  EXPECT_TRUE(HoldsWholeTransactionsOnly(store_->Latest()));
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

TEST_F(StoreReopenTest, DestroyingAStoreClosesIt) {
  Set("k", "v");
  store_.reset();
  Open();
  EXPECT_EQ(store_->Latest().Get("k")->value, "v");
}

TEST_F(StoreReopenTest, OptionsOfReadersAndWritersMayChange) {
  for (uint64_t n = 0; n < 50; ++n) Commit(WorkloadTransaction(n));
  const std::string before = AllAnswers(store_->Latest());
  options_.inline_value_bytes = 0;
  options_.sync = false;
  Reopen();
  EXPECT_TRUE(AllAnswers(store_->Latest()) == before);
  for (uint64_t n = 50; n < 100; ++n) Commit(WorkloadTransaction(n));
  options_.inline_value_bytes = 4096;
  options_.sync = true;
  Reopen();
  EXPECT_TRUE(HoldsWholeTransactionsOnly(store_->Latest()));
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

// Positions are asked for the place from where an index that is behind catches up.
TEST_F(StoreReopenTest, PositionsThatLieAreDerivedAgain) {
  namespace fs = std::filesystem;
  for (uint64_t n = 0; n < 50; ++n) Commit(WorkloadTransaction(n));
  Reopen();
  ASSERT_TRUE(store_->Close().ok());
  store_.reset();
  fs::copy(directory_ + "/index", dir_.File("behind"), fs::copy_options::recursive);
  Open();
  for (uint64_t n = 50; n < 100; ++n) Commit(WorkloadTransaction(n));
  const std::string before = AllAnswers(store_->Latest());
  ASSERT_TRUE(store_->Close().ok());
  store_.reset();
  fs::remove_all(directory_ + "/index");
  fs::copy(dir_.File("behind"), directory_ + "/index", fs::copy_options::recursive);
  const auto bytes = fs::file_size(directory_ + "/positions");
  fs::resize_file(directory_ + "/positions", 0);
  fs::resize_file(directory_ + "/positions", bytes);
  Open();
  EXPECT_TRUE(AllAnswers(store_->Latest()) == before);
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

// The index can be derived again, so nobody has to be asked before it is.
TEST_F(StoreReopenTest, ADamagedIndexIsDerivedAgain) {
  namespace fs = std::filesystem;
  for (uint64_t n = 0; n < 150; ++n) Commit(WorkloadTransaction(n));
  const std::string before = AllAnswers(store_->Latest());
  const auto file_of_index = [&](const std::string& part) {
    for (const auto& file : fs::directory_iterator(directory_ + "/index")) {
      if (file.path().filename().string().find(part) != std::string::npos) return file.path();
    }
    ADD_FAILURE() << "no file " << part;
    return fs::path();
  };
  const std::function<void(const fs::path&)> damages[] = {
      [](const fs::path& path) { fs::resize_file(path, 0); },
      [](const fs::path& path) { fs::resize_file(path, fs::file_size(path) - 1); },
      [](const fs::path& path) { fs::remove(path); },
      [](const fs::path& path) { std::ofstream(path, std::ios::trunc) << "something else\n"; }};
  for (const char* part : {"CURRENT", "MANIFEST", ".sst"}) {
    for (size_t i = 0; i < std::size(damages); ++i) {
      SCOPED_TRACE(std::string(part) + ", damage " + std::to_string(i));
      ASSERT_TRUE(store_->Close().ok());
      store_.reset();
      damages[i](file_of_index(part));
      Open();
      EXPECT_TRUE(AllAnswers(store_->Latest()) == before);
    }
  }
  Commit(WorkloadTransaction(150));
  Reopen();
  EXPECT_TRUE(AgreesWithItsEntries(store_->Latest()));
}

}  // namespace
}  // namespace immudb::testing
