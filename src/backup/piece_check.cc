// SPDX-License-Identifier: Apache-2.0
#include "backup/piece_check.h"

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <new>

#include "base/status_macros.h"
#include "vlog/frame.h"

namespace immudb {

struct PieceCheck::Checksum {
  Checksum() {
    if (state == nullptr) throw std::bad_alloc();
  }
  ~Checksum() { XXH3_freeState(state); }
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;
  XXH3_state_t* const state = XXH3_createState();
};

PieceCheck::PieceCheck(const BackupFile& piece)
    : piece_(piece),
      checksum_(std::make_unique<Checksum>()),
      part_(piece.offset == 0 ? Part::kSegmentHeader : Part::kFrameHeader),
      left_(piece.offset == 0 ? kSegmentHeaderBytes : kFrameHeaderBytes),
      frame_at_(piece.offset),
      at_(piece.offset) {}

PieceCheck::~PieceCheck() = default;

Status PieceCheck::Wrong(const char* what) const {
  return Status::DataLoss(piece_.name + ": " + what + " at offset " + std::to_string(frame_at_) +
                          " of the segment");
}

Status PieceCheck::Update(std::string_view bytes) {
  if (piece_.is_identity) return Status::Ok();
  while (!bytes.empty()) {
    const std::string_view taken =
        bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(left_, bytes.size())));
    bytes.remove_prefix(taken.size());
    left_ -= taken.size();
    at_ += taken.size();
    if (part_ == Part::kSegmentHeader || part_ == Part::kFrameHeader) {
      header_.append(taken);
      if (left_ == 0) IMMUDB_RETURN_IF_ERROR(ReadHeader());
      continue;
    }
    IMMUDB_RETURN_IF_ERROR(ReadBody(taken));
  }
  return Status::Ok();
}

Status PieceCheck::ReadHeader() {
  if (part_ == Part::kSegmentHeader) {
    const auto header = DecodeSegmentHeader(header_);
    if (!header || header->segment != piece_.segment) return Wrong("damaged segment header");
    next_index_ = header->first_index;
    knows_index_ = true;
    frame_at_ = at_;
    left_ = kFrameHeaderBytes;
    part_ = Part::kFrameHeader;
  } else {
    const auto header = DecodeFrameHeader(header_, piece_.segment);
    if (!header || (knows_index_ && header->first_index != next_index_)) {
      return Wrong("damaged frame");
    }
    next_index_ = header->first_index + header->entry_count;
    knows_index_ = true;
    body_checksum_ = header->body_checksum;
    padding_ = FrameBytes(header->body_bytes) - kFrameHeaderBytes - header->body_bytes;
    left_ = header->body_bytes;
    part_ = Part::kBody;
    XXH3_64bits_reset(checksum_->state);
  }
  header_.clear();
  return left_ == 0 ? ReadBody({}) : Status::Ok();
}

Status PieceCheck::ReadBody(std::string_view bytes) {
  if (part_ == Part::kBody) {
    XXH3_64bits_update(checksum_->state, bytes.data(), bytes.size());
    if (left_ > 0) return Status::Ok();
    if (XXH3_64bits_digest(checksum_->state) != body_checksum_) return Wrong("damaged frame");
    part_ = Part::kPadding;
    left_ = padding_;
  } else if (bytes.find_first_not_of('\0') != std::string_view::npos) {
    return Wrong("damaged padding of the frame");
  }
  if (left_ > 0) return Status::Ok();
  frame_at_ = at_;
  left_ = kFrameHeaderBytes;
  part_ = Part::kFrameHeader;
  return Status::Ok();
}

Status PieceCheck::Finish() const {
  const bool between = part_ == Part::kFrameHeader && header_.empty();
  return piece_.is_identity || between ? Status::Ok() : Wrong("incomplete frame");
}

}  // namespace immudb
