// SPDX-License-Identifier: Apache-2.0
#include "database/database.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/status_macros.h"

namespace immudb {
namespace {

constexpr std::chrono::seconds kRetryAfter{5};

bool IsShortage(StatusCode code) {
  return code == StatusCode::kResourceExhausted || code == StatusCode::kUnavailable;
}

const char* FailureText(StatusCode code) {
  if (code == StatusCode::kDataLoss) return " is damaged";
  return IsShortage(code) ? " cannot be opened now, try again later" : " cannot be opened";
}

}  // namespace

std::shared_ptr<Store> Database::StoreIfOpen() {
  const std::lock_guard lock(mutex_);
  if (store_ != nullptr) last_use_ = clock_();
  return store_;
}

Result<std::shared_ptr<Store>> Database::Open(const Reserve& reserve, const OpenStore& open) {
  if (Status failed = failure(); !failed.ok()) return failed;
  const std::lock_guard transition(transition_mutex_);
  if (auto store = StoreIfOpen()) return store;
  if (Status failed = failure(); !failed.ok()) return failed;
  IMMUDB_RETURN_IF_ERROR(reserve());
  auto opened = open();
  const StatusCode code = opened.status().code();
  if (!opened.ok()) Report(opened.status().message());
  const std::lock_guard lock(mutex_);
  last_use_ = clock_();
  if (opened.ok()) {
    failure_ = Status::Ok();
    store_ = *std::move(opened);
    return store_;
  }
  const bool passes = IsShortage(code);
  failure_ =
      Status(code, "database " + name_ + FailureText(code) + ": the log of the server tells more");
  retry_at_ = last_use_ + (passes ? std::chrono::seconds(0) : kRetryAfter);
  return failure_;
}

void Database::Report(const std::string& failure) {
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_();
    if (failure == reported_ && now < report_again_at_) return;
    reported_ = failure;
    report_again_at_ = now + kRetryAfter;
  }
  spdlog::error("database {} cannot be opened: {}", name_, failure);
}

bool Database::CloseIfUnused(Time since) {
  const std::unique_lock transition(transition_mutex_, std::try_to_lock);
  if (!transition) return false;
  std::shared_ptr<Store> store;
  {
    const std::lock_guard lock(mutex_);
    // Copies are made under this lock or from another copy: one means that it is ours.
    if (store_ == nullptr || store_.use_count() > 1 || last_use_ > since) return false;
    store = std::exchange(store_, nullptr);
  }
  if (const Status closed = store->Close(); !closed.ok()) {
    spdlog::error("closing database {}: {}", name_, closed.message());
  }
  return true;  // the transition ends when the store, and with it the lock of the folder, is gone
}

Status Database::Close() {
  const std::lock_guard transition(transition_mutex_);
  std::shared_ptr<Store> store;
  {
    const std::lock_guard lock(mutex_);
    store = std::exchange(store_, nullptr);
  }
  return store == nullptr ? Status::Ok() : store->Close().WithContext("database " + name_);
}

std::optional<Database::Time> Database::LastUse() const {
  const std::lock_guard lock(mutex_);
  if (store_ == nullptr) return std::nullopt;
  return last_use_;
}

std::shared_ptr<Store> Database::Peek() const {
  const std::lock_guard lock(mutex_);
  return store_;
}

Status Database::Health() const {
  if (tampered()) return Status::DataLoss(kTamperedText);
  std::shared_ptr<Store> store;
  {
    const std::lock_guard lock(mutex_);
    if (store_ == nullptr) return failure_;
    store = store_;
  }
  return store->failure();
}

Status Database::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_.ok() || clock_() >= retry_at_ ? Status::Ok() : failure_;
}

}  // namespace immudb
