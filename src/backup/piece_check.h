// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "backup/manifest.h"
#include "immudb/status.h"

namespace immudb {

// Reads the frames of a piece of a log while its bytes come, so that what is no log is refused at
// its first wrong byte, before it fills a disk. Checks headers, checksums, padding and the order of
// the entries; the entries themselves and their root are left to ReadLog. Holds no frame in memory.
// Not thread-safe.
class PieceCheck {
 public:
  // `piece` outlives the object. The identity of a server is not looked at.
  explicit PieceCheck(const BackupFile& piece);
  ~PieceCheck();
  PieceCheck(const PieceCheck&) = delete;
  PieceCheck& operator=(const PieceCheck&) = delete;

  // kDataLoss naming piece and offset.
  Status Update(std::string_view bytes);
  // kDataLoss if it ends inside a frame.
  Status Finish() const;

 private:
  enum class Part : uint8_t { kSegmentHeader, kFrameHeader, kBody, kPadding };
  struct Checksum;

  Status ReadHeader();
  Status ReadBody(std::string_view bytes);
  Status Wrong(const char* what) const;

  const BackupFile& piece_;
  std::unique_ptr<Checksum> checksum_;  // of the body so far
  Part part_;
  std::string header_;     // what there is of it
  uint64_t left_;          // of this part
  uint64_t frame_at_ = 0;  // in the segment
  uint64_t at_;            // in the segment
  uint64_t body_checksum_ = 0;
  uint64_t padding_ = 0;
  uint64_t next_index_ = 0;
  bool knows_index_ = false;
};

}  // namespace immudb
