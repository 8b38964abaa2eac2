// SPDX-License-Identifier: Apache-2.0
#include "client/database_audit.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "client/verdict.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;

// Entries a request; halved for as long as the server refuses so large an answer.
constexpr uint64_t kPageEntries = 512;

std::string RootText(const TreeRoot& root) {
  std::string text = ToHex(root.hash);
  text += " at index: ";
  return text += std::to_string(root.index.value);
}

Status EntriesDiffer(const std::string& which) {
  return VerificationFailed("the " + which +
                            " that were read are not those that were hashed into the tree");
}

}  // namespace

std::string DatabaseAudit::Number() const {
  return "audit #" + std::to_string(round_.number);
}

DatabaseReport DatabaseAudit::Run(const std::string& database, bool select) {
  report_.database = database;
  record_ = store_.Load(database);
  report_.previous = record_.root;
  spdlog::info("Auditing database {}", database);
  Status status;
  if (select) {
    status = source_.Use(database);
    if (!status.ok()) spdlog::error("error selecting database {}: {}", database, status.message());
    if (status.code() == StatusCode::kNotFound && record_.root) {
      status = VerificationFailed("database " + database +
                                  " is gone from the server, but locally a previous root exists");
    }
  }
  if (status.ok()) status = Check();
  status = Conclude(status);
  report_.status = status;
  if (!status.ok()) report_.verdict = VerdictOf(status);
  return std::move(report_);
}

Status DatabaseAudit::Check() {
  auto current = source_.CurrentRoot();
  if (!current.ok()) {
    spdlog::error("error getting current root: {}", current.status().message());
    return current.status();
  }
  report_.current = *current;
  IMMUDB_RETURN_IF_ERROR(CheckRoots());
  if (!report_.current || !options_.verify_values) return Status::Ok();
  Status values = CheckNewEntries();
  if (values.ok()) values = CheckOldEntries();
  if (IsVerificationFailure(values)) {
    spdlog::error("{} detected possible tampering of stored entries of database {}: {}", Number(),
                  report_.database, values.message());
  }
  return values;
}

Status DatabaseAudit::CheckRoots() {
  const auto& previous = report_.previous;
  if (!report_.current && previous) {
    std::string text = Number();
    text += " aborted: database is empty on server " + round_.server_id + " @ " + options_.address;
    text += ", but locally a previous root exists with hash " + ToHex(previous->hash);
    text += " at index " + std::to_string(previous->index.value);
    spdlog::error("{}", text);
    return VerificationFailed(text);
  }
  if (!report_.current) {
    spdlog::warn("{} canceled: database is empty on server {} @ {}", Number(), round_.server_id,
                 options_.address);
    return Status::Ok();
  }
  if (!previous) return Status::Ok();
  Status proven = CheckConsistency(*previous);
  if (proven.ok() || IsVerificationFailure(proven)) LogResult(proven.ok());
  if (IsVerificationFailure(proven)) {
    spdlog::warn(
        "{} detected possible tampering of remote root (at index {}) so it will not overwrite the "
        "previous local root (at index {})",
        Number(), report_.current->index.value, previous->index.value);
  }
  if (proven.ok()) report_.verdict = AuditVerdict::kConsistent;
  return proven;
}

// The proof leads to the tree of its own moment, which may be newer than the current root that was
// asked for before, never older.
Status DatabaseAudit::CheckConsistency(const TreeRoot& previous) {
  const TreeRoot shown = *report_.current;
  if (shown.index < previous.index) {
    return VerificationFailed("the database shrank from index " +
                              std::to_string(previous.index.value) + " to " +
                              std::to_string(shown.index.value));
  }
  const auto answer = source_.Consistency(previous.index);
  if (!answer.ok()) {
    spdlog::error("error fetching consistency proof for previous root {}: {}", previous.index.value,
                  answer.status().message());
    const StatusCode code = answer.status().code();
    // It shows a tree that is long enough and says that it is not.
    if (code == StatusCode::kNotFound || code == StatusCode::kInvalidArgument) {
      return VerificationFailed("no proof for the previous root: " + answer.status().message());
    }
    return answer.status();
  }
  report_.current = answer->second;
  if (answer->first != previous.index) return MalformedProof("it is for another index");
  const Status proven =
      VerifyConsistency(TreeEndingAt(previous.index), previous.hash,
                        TreeEndingAt(answer->second.index), answer->second.hash, answer->path);
  if (proven.code() == StatusCode::kInvalidArgument) return MalformedProof(proven.message());
  if (!proven.ok()) return VerificationFailed(proven.message());
  const bool forked = answer->second.index == shown.index && answer->second.hash != shown.hash;
  if (forked || answer->second.index < shown.index) {
    return VerificationFailed(
        "the server shows two trees: one as its current root, another in "
        "its proof");
  }
  return Status::Ok();
}

Status DatabaseAudit::CheckNewEntries() {
  const TreeSize size = TreeEndingAt(report_.current->index);
  CompactRange& read = record_.read;
  if (record_.root && read.size() == TreeEndingAt(record_.root->index) &&
      read.Root() != record_.root->hash) {
    return Status::IoError(store_.directory() + ": .audit and .root do not belong together; " +
                           "remove .audit to have all entries read again");
  }
  if (size < read.size()) {
    return VerificationFailed("entries are gone that were read before: there were " +
                              std::to_string(read.size().value));
  }
  IMMUDB_RETURN_IF_ERROR(Read(&read, size));
  return read.Root() == report_.current->hash ? Status::Ok() : EntriesDiffer("new entries");
}

// A pass has the root of its start as its goal, so that no proof is needed, however many rounds it
// takes.
Status DatabaseAudit::CheckOldEntries() {
  if (!report_.previous || options_.recheck == 0) return Status::Ok();
  if (!record_.goal) {
    record_.again = CompactRange();
    record_.goal = report_.previous;
  }
  const TreeSize goal = TreeEndingAt(record_.goal->index);
  if (goal <= record_.again.size()) {
    return Status::IoError(store_.directory() +
                           "/.audit is damaged; remove it to have all entries "
                           "read again");
  }
  const uint64_t left = goal.value - record_.again.size().value;
  const TreeSize until{record_.again.size().value + std::min(left, options_.recheck)};
  IMMUDB_RETURN_IF_ERROR(Read(&record_.again, until));
  if (until < goal) return Status::Ok();
  if (record_.again.Root() != record_.goal->hash) return EntriesDiffer("old entries");
  record_.goal.reset();
  record_.again = CompactRange();
  return Status::Ok();
}

Status DatabaseAudit::Read(CompactRange* range, TreeSize until) {
  uint64_t size = kPageEntries;
  while (range->size() < until) {
    const auto began = clock_.Now();
    const uint64_t first = range->size().value;
    const auto page = source_.IScan(first / size + 1, size);
    if (page.status().code() == StatusCode::kResourceExhausted && size > 1) {
      size /= 2;
      continue;
    }
    if (page.status().code() == StatusCode::kNotFound) {
      return VerificationFailed("the server does not show entry " + std::to_string(first));
    }
    if (!page.ok()) {
      spdlog::error("error reading entries from {} on: {}", first, page.status().message());
      return page.status();
    }
    IMMUDB_RETURN_IF_ERROR(AddPage(*page, first % size, until, range));
    const uint64_t added = range->size().value - first;
    report_.entries_read += added;
    milliseconds pause{0};
    if (options_.rate > 0) {
      const auto spent = std::chrono::duration_cast<milliseconds>(clock_.Now() - began);
      pause = std::max(pause, milliseconds(added * 1000 / options_.rate) - spent);
    }
    if (!clock_.Wait(pause)) return Status::FailedPrecondition("the auditor is being stopped");
  }
  return Status::Ok();
}

Status DatabaseAudit::AddPage(const ItemPage& page, uint64_t skip, TreeSize until,
                              CompactRange* range) {
  const uint64_t before = range->size().value;
  for (size_t i = skip; i < page.items.size() && range->size() < until; ++i) {
    const Item& item = page.items[i];
    if (item.index.value != range->size().value) {
      return VerificationFailed("the server shows entry " + std::to_string(item.index.value) +
                                " in place of " + std::to_string(range->size().value));
    }
    range->Append(LeafDigest(item.index, item.key, item.value));
  }
  if (range->size().value > before) return Status::Ok();
  return VerificationFailed("the server does not show entry " + std::to_string(before));
}

// Stores what is now known. The verdict on record, if there is one, outweighs a round that went
// well or could not be done.
Status DatabaseAudit::Conclude(const Status& checked) {
  const std::string& database = report_.database;
  if (IsVerificationFailure(checked) && !record_.tampering) {
    record_ = store_.Load(database);
    record_.tampering = TamperRecord{std::chrono::system_clock::to_time_t(clock_.Now()),
                                     !record_.root, checked.message()};
    const Status saved = store_.Save(database, record_);
    if (!saved.ok()) spdlog::error("cannot store what was found: {}", saved.message());
  }
  if (record_.tampering) {
    if (!IsVerificationFailure(checked)) {
      spdlog::warn(
          "{} database {}: tampering was found before ({}) and stays reported until {} is "
          "removed",
          Number(), database, record_.tampering->what, store_.directory());
    }
    return IsVerificationFailure(checked) ? checked : Status::DataLoss(record_.tampering->what);
  }
  if (!checked.ok()) {
    // Entries that were read need not be read again; their hash is compared in the end anyway.
    if (record_.root && VerdictOf(checked) != AuditVerdict::kFailed) {
      IMMUDB_RETURN_IF_ERROR(store_.Save(database, record_));
    }
    return checked;
  }
  if (!report_.current) return Status::Ok();
  record_.root = report_.current;
  return store_.Save(database, record_);
}

void DatabaseAudit::LogResult(bool consistent) const {
  spdlog::info("{} result:\n  consistent:\t{}\n  firstRoot:\t{}\n  secondRoot:\t{}", Number(),
               consistent, RootText(*report_.previous), RootText(*report_.current));
}

}  // namespace immudb
