// SPDX-License-Identifier: Apache-2.0
#include "server/health_checks.h"

#include <spdlog/spdlog.h>

#include <new>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "database/database.h"
#include "database/databases.h"
#include "immudb/store.h"
#include "immudb/types.h"

namespace immudb {
namespace {

HealthCheck Of(std::string name, const Status& status, bool decides) {
  return {std::move(name), status.ok(), status.message(), decides};
}

bool ReadNewestEntry(Database& database) {
  const auto store = database.StoreIfOpen();
  if (store == nullptr) return database.failure().ok();
  const Snapshot snapshot = store->Latest();
  return snapshot.size().empty() || snapshot.GetByIndex(snapshot.size().Last()).ok();
}

nlohmann::json ToJson(const HealthCheck& check) {
  nlohmann::json json = {{"check", check.name}, {"status", check.ok ? "ok" : "failed"}};
  if (!check.reason.empty()) json["reason"] = check.reason;
  return json;
}

}  // namespace

void HealthChecks::Serving(const Databases& databases, const IntegrityChecker* checker) {
  const std::unique_lock lock(mutex_);
  databases_ = &databases;
  checker_ = checker;
  phase_ = Phase::kServing;
}

void HealthChecks::Close() {
  const std::unique_lock lock(mutex_);
  databases_ = nullptr;
  checker_ = nullptr;
}

HealthCheck HealthChecks::PhaseCheck() const {
  switch (phase()) {
    case Phase::kStarting:
      return {"server", false, "the server is starting: its data is being recovered"};
    case Phase::kStopping:
      return {"server", false, "the server is stopping"};
    case Phase::kServing:
      break;
  }
  return {"server"};
}

Result<uint64_t> HealthChecks::free_bytes() const {
  return FileSystem::Real().FreeBytes(directory_);
}

HealthCheck HealthChecks::DiskCheck() const {
  const auto free = free_bytes();
  // Not made yet.
  if (free.status().code() == StatusCode::kNotFound && phase() == Phase::kStarting) return {"disk"};
  if (!free.ok()) return {"disk", false, free.status().message()};
  if (*free >= reserved_bytes_) return {"disk"};
  return {"disk", false,
          directory_ + ": " + std::to_string(*free) + " bytes are free, " +
              std::to_string(reserved_bytes_) +
              " are kept in reserve: there are no writes; make room"};
}

// Of what it can look at. What it found is said by the check of the database.
HealthCheck HealthChecks::CheckerCheck(const IntegrityChecker* checker) {
  HealthCheck check{.name = kChecker, .decides = false};
  if (checker == nullptr) {
    check.reason = "off: nobody looks whether stored bytes change";
    return check;
  }
  const IntegrityChecker::Figures figures = checker->figures();
  check.ok = figures.troubles == 0 && figures.not_opened == 0;
  if (!check.ok) {
    check.reason = "the last pass met " + std::to_string(figures.troubles) +
                   " read errors and could not open " + std::to_string(figures.not_opened) +
                   " databases: the log tells which";
  }
  return check;
}

std::vector<HealthCheck> HealthChecks::Checks() const {
  std::vector<HealthCheck> checks = {PhaseCheck(), DiskCheck()};
  const std::shared_lock lock(mutex_);
  if (databases_ == nullptr) return checks;
  checks.push_back(Of("storage", databases_->SystemHealth(), true));
  checks.push_back(CheckerCheck(checker_));
  for (const auto& [name, status] : databases_->Healths()) {
    checks.push_back(Of("database " + name, status, false));
  }
  return checks;
}

bool HealthChecks::Ready() const {
  if (!PhaseCheck().ok || !DiskCheck().ok) return false;
  const std::shared_lock lock(mutex_);
  return databases_ != nullptr && databases_->SystemHealth().ok();
}

std::shared_ptr<const HealthChecks::Summary> HealthChecks::Report() const {
  const std::lock_guard lock(report_mutex_);
  const auto now = clock_();
  if (report_ == nullptr || now - reported_at_ >= kRemembered) {
    report_ = std::make_shared<const Summary>(Summary{Ready(), Checks()});
    reported_at_ = now;
  }
  return report_;
}

bool HealthChecks::Remembers(const Read& read) const {
  const bool ever = read.at != std::chrono::steady_clock::time_point::min();
  return ever && (read.reading || clock_() - read.at < kRemembered);
}

std::optional<bool> HealthChecks::RememberedRead(const Database& database) const {
  const std::lock_guard lock(reads_mutex_);
  const auto found = reads_.find(database.name());
  if (found == reads_.end() || !Remembers(found->second)) return std::nullopt;
  return found->second.could;
}

bool HealthChecks::NewestEntryCanBeRead(Database& database) const {
  {
    const std::lock_guard lock(reads_mutex_);
    Read& read = reads_[database.name()];
    if (Remembers(read)) return read.could;
    read.reading = true;
  }
  bool could = false;
  try {
    could = ReadNewestEntry(database);
  } catch (const std::bad_alloc&) {
    spdlog::error("the newest entry of {} could not be read: not enough memory", database.name());
  }
  const std::lock_guard lock(reads_mutex_);
  reads_[database.name()] = {.could = could, .reading = false, .at = clock_()};
  return could;
}

std::optional<IntegrityChecker::Figures> HealthChecks::checker_figures() const {
  const std::shared_lock lock(mutex_);
  if (checker_ == nullptr) return std::nullopt;
  return checker_->figures();
}

std::optional<bool> HealthChecks::Serves(const std::string& service) const {
  const bool ready = Ready();
  if (service.empty()) return ready;
  const std::shared_lock lock(mutex_);
  // While it stops nobody is told that what it watches was never there.
  if (databases_ == nullptr) return false;
  const auto database = databases_->Find(service);
  if (database == nullptr) return std::nullopt;
  return ready && database->Health().ok();
}

std::string HealthChecks::Json(bool ok, bool verbose) const {
  nlohmann::json page = {{"status", ok ? "ok" : "failed"}};
  nlohmann::json shown = nlohmann::json::array();
  for (const auto& check : Checks()) {
    if (verbose || !check.ok) shown.push_back(ToJson(check));
  }
  if (verbose || !shown.empty()) page[verbose ? "checks" : "failed"] = std::move(shown);
  return page.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace immudb
