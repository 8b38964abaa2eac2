// SPDX-License-Identifier: Apache-2.0
#include "server/health_checks.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "database/databases.h"

namespace immudb {
namespace {

HealthCheck Of(std::string name, const Status& status, bool decides) {
  return {std::move(name), status.ok(), status.message(), decides};
}

nlohmann::json ToJson(const HealthCheck& check) {
  nlohmann::json json = {{"check", check.name}, {"status", check.ok ? "ok" : "failed"}};
  if (!check.reason.empty()) json["reason"] = check.reason;
  return json;
}

}  // namespace

void HealthChecks::Serving(const Databases& databases) {
  const std::unique_lock lock(mutex_);
  databases_ = &databases;
  phase_ = Phase::kServing;
}

void HealthChecks::Close() {
  const std::unique_lock lock(mutex_);
  databases_ = nullptr;
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

HealthCheck HealthChecks::DiskCheck() const {
  struct statvfs system {};
  if (::statvfs(directory_.c_str(), &system) != 0) {
    // Not made yet.
    if (errno == ENOENT && phase() == Phase::kStarting) return {"disk"};
    return {"disk", false, directory_ + ": " + std::generic_category().message(errno)};
  }
  const uint64_t free = uint64_t{system.f_bavail} * system.f_frsize;
  if (free >= least_free_bytes_) return {"disk"};
  return {"disk", false,
          directory_ + ": " + std::to_string(free) + " bytes are free, " +
              std::to_string(least_free_bytes_) + " are needed; make room"};
}

std::vector<HealthCheck> HealthChecks::Checks() const {
  std::vector<HealthCheck> checks = {PhaseCheck(), DiskCheck()};
  const std::shared_lock lock(mutex_);
  if (databases_ == nullptr) return checks;
  checks.push_back(Of("storage", databases_->SystemHealth(), true));
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
