// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"
#include "vlog/value_log.h"

namespace immudb::testing {

// The values of one transaction, which are also what a scan should find.
using Values = std::vector<std::string>;

// Writes and reads logs as the commit pipeline does.
class LogTest : public ::testing::Test {
 protected:
  struct Frame {
    LogPosition position;
    uint64_t first = 0;
    Values values;
  };
  struct Scanned {
    Status status;
    SegmentEnd end;
    std::vector<Frame> frames;
  };

  void Open() {
    log_.reset();
    auto log = ValueLog::Open(fs_, directory_, options_);
    ASSERT_TRUE(log.ok()) << log.status().ToString();
    log_ = *std::move(log);
  }

  // Visits what is in the log from `from` on.
  Scanned Recover(LogPosition from = {}, LeafIndex first = {}) {
    Scanned scanned;
    const auto end = log_->Recover(from, first, [&](const FrameView& view) {
      Frame frame{view.position, view.first.value, {}};
      std::string_view rest = view.body;
      for (uint32_t i = 0; i < view.entry_count; ++i) {
        const auto entry = DecodeEntry(rest);
        if (!entry) return Status::DataLoss("entry of a good frame");
        EXPECT_EQ(entry->key, "key");
        frame.values.emplace_back(entry->value);
        rest.remove_prefix(*EntryBytes(rest));
      }
      scanned.frames.push_back(std::move(frame));
      return Status::Ok();
    });
    scanned.status = end.status();
    if (end.ok()) {
      scanned.end = *end;
      next_ = end->next.value;
    }
    return scanned;
  }

  // Opens what is there and makes it ready for appending.
  Scanned Reopen() {
    Open();
    if (!log_) return {};
    Scanned scanned = Recover();
    EXPECT_TRUE(scanned.status.ok()) << scanned.status.ToString();
    EXPECT_TRUE(scanned.status.ok() && log_->CutTail().ok());
    return scanned;
  }

  LogGroup Place(const std::vector<Values>& transactions) {
    LogGroup group = log_->BeginGroup({next_});
    for (const Values& values : transactions) {
      std::string body;
      std::vector<uint64_t> offsets;
      for (const std::string& value : values) {
        offsets.push_back(body.size());
        AppendEntry(body, {EntryKind::kValue, "key", value, 0});
      }
      const LogPosition place = log_->Place(group, {next_}, static_cast<uint32_t>(values.size()),
                                            body, BodyChecksum(body));
      for (const uint64_t offset : offsets) {
        positions_.push_back({place.segment, place.offset + offset});
      }
      next_ += values.size();
    }
    return group;
  }

  // Writes one group; its transactions are in the log when this is ok.
  Status Write(const std::vector<Values>& transactions) {
    LogGroup group = Place(transactions);
    return log_->Write({&group});
  }
  void Append(const std::vector<Values>& transactions) {
    ASSERT_TRUE(Write(transactions).ok());
    const Status synced = log_->Sync();
    ASSERT_TRUE(synced.ok()) << synced.ToString();
  }

  std::string Segment(uint32_t number) {
    char name[16];
    std::snprintf(name, sizeof(name), "%08u.log", number);
    return JoinPath(directory_, name);
  }
  std::string Content(uint32_t segment) { return *ReadFile(FileSystem::Real(), Segment(segment)); }
  void SetContent(uint32_t segment, std::string_view content) {
    std::ofstream(Segment(segment), std::ios::binary | std::ios::trunc) << content;
  }

  static std::vector<Values> ValuesOf(const std::vector<Frame>& frames) {
    std::vector<Values> values;
    for (const Frame& frame : frames) values.push_back(frame.values);
    return values;
  }

  TempDir dir_;
  const std::string directory_ = dir_.File("log");
  FaultFileSystem fs_;
  ValueLogOptions options_;
  std::unique_ptr<ValueLog> log_;
  uint64_t next_ = 0;
  std::vector<LogPosition> positions_;  // of each entry placed
};

}  // namespace immudb::testing
