// SPDX-License-Identifier: Apache-2.0
//
// The second half of a pass: the tables of the index.
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "immudb/verify.h"
#include "index/index_update.h"
#include "index/key_index.h"
#include "index/table_check.h"
#include "merkle/hash_tree.h"
#include "store/integrity_check.h"
#include "store/store_impl.h"

namespace immudb {
namespace {

constexpr size_t kStepRecords = 4096;

}  // namespace

Status IntegrityCheck::AdvanceTables() {
  if (!std::exchange(tables_listed_, true)) tables_ = store_.index().Tables();
  if (next_table_ == tables_.size()) {
    step_.done = true;
    if (unreadable_ && !table_damaged_) Report(*std::move(unreadable_));
    return Status::Ok();
  }
  const IndexTable& table = tables_[next_table_];
  if (table_ == nullptr) {
    auto opened = TableCheck::Open(table, [this](IndexTable::Family family, std::string_view key,
                                                 LeafIndex index, std::string_view record) {
      return RecordIsRight(family, key, index, record);
    });
    if (opened.status().code() == StatusCode::kNotFound) {  // a compaction removed it
      ++next_table_;
      return Status::Ok();
    }
    IMMUDB_RETURN_IF_ERROR(opened);
    table_ = *std::move(opened);
    step_.bytes += table.bytes;
  }
  const auto more = table_->Advance(kStepRecords);
  IMMUDB_RETURN_IF_ERROR(more);
  if (*more) return Status::Ok();
  if (const auto& damage = table_->damage()) {
    table_damaged_ = true;
    Report({table.path, damage->offset, damage->index, damage->key, damage->what});
  }
  table_.reset();
  ++next_table_;
  return Status::Ok();
}

// Only if the log and the tree agree on the entry can a record be called wrong.
bool IntegrityCheck::RecordIsRight(IndexTable::Family family, std::string_view key, LeafIndex index,
                                   std::string_view record) const {
  if (!store_.published().size.Contains(index)) return store_.index().applied().Contains(index);
  const auto entry = store_.ReadLogEntry(index);
  if (!entry.ok()) return true;
  const IndexUpdate update{index, entry->kind, entry->key, entry->value, entry->set_bytes};
  if (KeyIndex::IsRecordOf(update, family, key, record)) return true;
  const auto leaf = store_.tree().Leaf(index);
  return !leaf.ok() || LeafDigest(index, entry->key, entry->value) != *leaf;
}

}  // namespace immudb
