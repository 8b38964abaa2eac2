// SPDX-License-Identifier: Apache-2.0
#include "client/audit_store.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr std::string_view kNone = "-";

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string OneLine(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  return text;
}

std::string GoalText(const std::optional<TreeRoot>& goal) {
  if (!goal) return std::string(kNone);
  std::string text = std::to_string(goal->index.value);
  text += ':';
  return text += ToHex(goal->hash);
}

bool ParseGoal(std::string_view text, std::optional<TreeRoot>* goal) {
  if (text == kNone) return true;
  const auto parts = Split(text, ':');
  TreeRoot root;
  if (parts.size() != 2 || !ParseNumber(parts[0], &root.index.value)) return false;
  const auto hash = DigestFromHex(parts[1]);
  if (!hash) return false;
  root.hash = *hash;
  *goal = root;
  return true;
}

std::string TamperingText(const std::optional<TamperRecord>& tampering) {
  if (!tampering) return std::string(kNone);
  std::string text = tampering->at_first_contact ? "first:" : "later:";
  text += std::to_string(tampering->unix_seconds);
  text += ':';
  return text += OneLine(tampering->what);
}

bool ParseTampering(std::string_view text, std::optional<TamperRecord>* tampering) {
  if (text == kNone) return true;
  const size_t first = text.find(':');
  const size_t second = text.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return false;
  TamperRecord record;
  record.at_first_contact = text.substr(0, first) == "first";
  record.what = text.substr(second + 1);
  if (!ParseNumber(text.substr(first + 1, second - first - 1), &record.unix_seconds)) return false;
  *tampering = std::move(record);
  return true;
}

// name, read, again, goal, tampering.
bool ParseRecord(std::string_view line, std::string* name, AuditedState* record) {
  const auto fields = Split(line, '\t');
  if (fields.size() != 5 || !AuditStore::IsSafeName(fields[0])) return false;
  *name = fields[0];
  const auto read = CompactRange::FromText(fields[1]);
  const auto again = CompactRange::FromText(fields[2]);
  if (!read || !again) return false;
  record->read = *read;
  record->again = *again;
  return ParseGoal(fields[3], &record->goal) && ParseTampering(fields[4], &record->tampering);
}

}  // namespace

bool AuditStore::IsSafeName(std::string_view database) {
  return !database.empty() && database.size() <= kMaxNameBytes &&
         std::ranges::all_of(database, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

AuditStore::AuditStore(FileSystem& fs, std::string directory)
    : fs_(fs),
      directory_(std::move(directory)),
      roots_(fs, {.directory = directory_,
                  .roots = JoinPath(directory_, ".root"),
                  .lock = JoinPath(directory_, ".lock")}) {}

Result<std::unique_ptr<AuditStore>> AuditStore::Open(FileSystem& fs, const std::string& directory,
                                                     const std::string& server_id) {
  if (!RootStore::IsSafeUuid(server_id) || server_id.empty()) {
    return Status::InvalidArgument("the server's uuid is no plain identifier");
  }
  std::unique_ptr<AuditStore> store(new AuditStore(fs, JoinPath(directory, server_id)));
  auto lock = store->roots_.Acquire();
  if (lock.status().code() == StatusCode::kUnavailable) {
    return Status::FailedPrecondition("another auditor uses " + store->directory_);
  }
  IMMUDB_RETURN_IF_ERROR(lock);
  store->lock_.emplace(*std::move(lock));
  IMMUDB_RETURN_IF_ERROR(store->Read());
  return store;
}

Status AuditStore::Read() {
  const std::string path = JoinPath(directory_, ".audit");
  const auto content = ReadFile(fs_, path);
  if (!content.ok() && content.status().code() != StatusCode::kNotFound) return content.status();
  const std::string lines = content.ok() ? *content : "";
  for (const std::string_view line : Split(lines, '\n')) {
    std::string name;
    AuditedState record;
    if (line.empty()) continue;
    if (!ParseRecord(line, &name, &record)) {
      return Status::IoError(path + ": a line is damaged; remove " + directory_ +
                             " to trust the server anew");
    }
    records_.insert_or_assign(std::move(name), std::move(record));
  }
  const auto names = roots_.Databases();
  IMMUDB_RETURN_IF_ERROR(names);
  for (const auto& name : *names) records_.try_emplace(name);
  for (auto& [name, record] : records_) {
    auto root = roots_.Load(name);
    IMMUDB_RETURN_IF_ERROR(root);
    record.root = *root;
    if (record.root) continue;
    // Whoever removed the root wants to trust anew. What was found before there was one stays.
    AuditedState anew;
    if (record.tampering && record.tampering->at_first_contact) anew.tampering = record.tampering;
    record = std::move(anew);
  }
  return Status::Ok();
}

std::vector<std::string> AuditStore::Known() const {
  std::vector<std::string> names;
  for (const auto& [name, record] : records_) {
    if (record.root || record.tampering) names.push_back(name);
  }
  return names;
}

AuditedState AuditStore::Load(const std::string& database) const {
  const auto it = records_.find(database);
  return it == records_.end() ? AuditedState() : it->second;
}

Status AuditStore::WriteRecords() const {
  std::string content;
  for (const auto& [name, record] : records_) {
    content += name;
    for (const auto& field : {record.read.Text(), record.again.Text(), GoalText(record.goal),
                              TamperingText(record.tampering)}) {
      content += '\t';
      content += field;
    }
    content += '\n';
  }
  return ReplaceFile(fs_, JoinPath(directory_, ".audit"), content);
}

Status AuditStore::Save(const std::string& database, const AuditedState& record) {
  AuditedState& known = records_[database];
  const bool moved = record.root != known.root;
  known = record;
  IMMUDB_RETURN_IF_ERROR(WriteRecords());
  return moved && record.root ? lock_->Save(database, *record.root) : Status::Ok();
}

Result<std::string> FirstIdentity(FileSystem& fs, const std::string& directory,
                                  const std::string& address, const std::string& server_id) {
  IMMUDB_RETURN_IF_ERROR(fs.CreateDirectory(directory));
  const std::string path = JoinPath(directory, "servers");
  const auto content = ReadFile(fs, path);
  if (!content.ok() && content.status().code() != StatusCode::kNotFound) return content.status();
  std::string lines = content.ok() ? *content : "";
  for (const std::string_view line : Split(lines, '\n')) {
    const auto fields = Split(line, '\t');
    if (fields.size() == 2 && fields[0] == address) return std::string(fields[1]);
  }
  lines += address;
  lines += '\t';
  lines += server_id;
  lines += '\n';
  IMMUDB_RETURN_IF_ERROR(ReplaceFile(fs, path, lines));
  return server_id;
}

}  // namespace immudb
