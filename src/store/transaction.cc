// SPDX-License-Identifier: Apache-2.0
#include "store/transaction.h"

#include <cmath>
#include <cstddef>
#include <memory>

#include "base/status_macros.h"
#include "immudb/store.h"
#include "immudb/verify.h"
#include "store/key_rules.h"

namespace immudb {
namespace {

// A frame's length is a 32-bit number; nothing near it comes through the message limit.
constexpr size_t kMaxTransactionBytes = size_t{1} << 30;

}  // namespace

Transaction::Transaction() : body_(std::make_unique<TransactionBody>()) {}
Transaction::~Transaction() = default;
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;

Status TransactionBody::Add(const EntryView& entry) {
  if (bytes.size() + kMaxEntryHeaderBytes + entry.key.size() + entry.value.size() >
      kMaxTransactionBytes) {
    return Status::ResourceExhausted("transaction exceeds " + std::to_string(kMaxTransactionBytes) +
                                     " bytes");
  }
  Item item;
  item.kind = entry.kind;
  item.set_bytes = entry.set_bytes;
  item.offset = static_cast<uint32_t>(bytes.size());
  AppendEntry(bytes, entry);
  item.key_bytes = static_cast<uint32_t>(entry.key.size());
  item.value_bytes = static_cast<uint32_t>(entry.value.size());
  // The value ends the entry; a sorted-set member's is the tail of its key.
  item.value_offset = static_cast<uint32_t>(bytes.size() - entry.value.size());
  const bool member = entry.kind == EntryKind::kSortedSetMember;
  item.key_offset =
      static_cast<uint32_t>(bytes.size() - entry.key.size() - (member ? 0 : entry.value.size()));
  items.push_back(item);
  has_references = has_references || entry.kind != EntryKind::kValue;
  return Status::Ok();
}

Status Transaction::Set(std::string_view key, std::string_view value) {
  IMMUDB_RETURN_IF_ERROR(CheckWritableKey(key, key.size(), "invalid key"));
  return body_->Add({EntryKind::kValue, key, value, 0});
}

Status Transaction::AddReference(std::string_view name, std::string_view key) {
  IMMUDB_RETURN_IF_ERROR(CheckWritableKey(name, name.size(), "invalid reference"));
  IMMUDB_RETURN_IF_ERROR(CheckKey(key, "invalid key"));
  return body_->Add({EntryKind::kReference, name, key, 0});
}

Status Transaction::AddSortedSetMember(std::string_view set, double score, std::string_view key) {
  IMMUDB_RETURN_IF_ERROR(CheckKey(key, "invalid key"));
  const std::string stored = SortedSetKey(set, score, key);
  IMMUDB_RETURN_IF_ERROR(CheckWritableKey(set, stored.size(), "invalid set"));
  if (std::isnan(score)) return Status::InvalidArgument("invalid score");
  return body_->Add({EntryKind::kSortedSetMember, stored, key, static_cast<uint32_t>(set.size())});
}

size_t Transaction::entry_count() const {
  return body_->items.size();
}
size_t Transaction::byte_size() const {
  return body_->bytes.size();
}

}  // namespace immudb
