// SPDX-License-Identifier: Apache-2.0
#include "database/tamper_latches.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/printable.h"
#include "base/status_macros.h"
#include "database/system_records.h"
#include "immudb/types.h"

namespace immudb {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ToRecord(const std::string& database, const TamperReport& report) {
  Json json{{"database", database}, {"tampered", true},        {"time", report.time},
            {"file", report.file},  {"offset", report.offset}, {"key", report.key},
            {"what", report.what}};
  if (report.index) json["index"] = *report.index;
  return Dump(json);
}

// Throws what the library throws.
std::optional<TamperReport> FromRecord(const std::string& record) {
  const Json json = Json::parse(record);
  if (!json.at("tampered").get<bool>()) return std::nullopt;
  TamperReport report{.time = json.at("time"),
                      .file = json.at("file"),
                      .offset = json.at("offset"),
                      .index = {},
                      .key = json.at("key"),
                      .what = json.at("what")};
  if (json.contains("index")) report.index = json.at("index").get<uint64_t>();
  return report;
}

std::string Now() {
  return AuditTimeText(std::chrono::system_clock::now());
}

}  // namespace

std::string TamperText(const TamperReport& report) {
  std::string text = report.file + ", offset " + std::to_string(report.offset);
  if (report.index) text += ", entry index " + std::to_string(*report.index);
  if (!report.key.empty()) text += ", key \"" + report.key + '"';
  return text + ": " + report.what;
}

Result<std::unique_ptr<TamperLatches>> TamperLatches::Load(Store& system_database,
                                                           AuditTrail& audit) {
  std::unique_ptr<TamperLatches> latches(new TamperLatches(system_database, audit));
  const std::string prefix(1, kTamperRecord);
  const auto records = system_database.Latest().Scan({.prefix = prefix});
  IMMUDB_RETURN_IF_ERROR(records);
  for (const Entry& record : *records) {
    const std::string database = record.key.substr(1);
    try {
      if (auto report = FromRecord(record.value)) {
        latches->latches_[database] = {*std::move(report), true};
      }
    } catch (const Json::exception&) {
      return Status::DataLoss("the tamper record of database " + Printable(database) +
                              " in the system database cannot be understood");
    }
  }
  return latches;
}

bool TamperLatches::IsSet(std::string_view database) const {
  const std::lock_guard lock(mutex_);
  return latches_.contains(database);
}

std::map<std::string, TamperReport, std::less<>> TamperLatches::All() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, TamperReport, std::less<>> all;
  for (const auto& [database, latch] : latches_) all.emplace(database, latch.report);
  return all;
}

Status TamperLatches::Commit(std::string_view database, const std::string& record,
                             const AuditRecord& act) {
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(transaction.Set(std::string(1, kTamperRecord).append(database), record));
  IMMUDB_RETURN_IF_ERROR(audit_.AddTo(transaction, act));
  return store_.Commit(std::move(transaction)).status();
}

Status TamperLatches::Set(std::string_view database, const Damage& damage) {
  const std::lock_guard changing(change_mutex_);
  TamperReport report;
  {
    const std::lock_guard lock(mutex_);
    const auto [latch, is_new] = latches_.try_emplace(std::string(database));
    if (is_new) {
      latch->second.report = {.time = Now(),
                              .file = damage.file,
                              .offset = damage.offset,
                              .index = {},
                              .key = Printable(damage.key),
                              .what = damage.what};
      if (damage.index) latch->second.report.index = damage.index->value;
    }
    if (latch->second.stored) return Status::Ok();
    report = latch->second.report;
  }
  IMMUDB_RETURN_IF_ERROR(Commit(database, ToRecord(std::string(database), report),
                                {.act = "tampering detected",
                                 .target = std::string(database),
                                 .detail = TamperText(report)}));
  const std::lock_guard lock(mutex_);
  latches_.find(database)->second.stored = true;
  return Status::Ok();
}

Status TamperLatches::Clear(std::string_view database, const AuditRecord& act) {
  const std::lock_guard changing(change_mutex_);
  if (!IsSet(database)) {
    return Status::FailedPrecondition("no tampering of database " + std::string(database) +
                                      " is recorded");
  }
  IMMUDB_RETURN_IF_ERROR(
      Commit(database, Dump({{"database", database}, {"tampered", false}, {"time", Now()}}), act));
  const std::lock_guard lock(mutex_);
  latches_.erase(latches_.find(database));
  return Status::Ok();
}

}  // namespace immudb
