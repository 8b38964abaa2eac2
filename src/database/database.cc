// SPDX-License-Identifier: Apache-2.0
#include "database/database.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace immudb {
namespace {

constexpr std::chrono::seconds kRetryAfter{5};

}  // namespace

std::shared_ptr<Store> Database::StoreIfOpen() {
  const std::lock_guard lock(mutex_);
  if (store_ != nullptr) last_use_ = clock_();
  return store_;
}

Result<std::shared_ptr<Store>> Database::Open(const OpenStore& open) {
  const std::lock_guard transition(transition_mutex_);
  if (auto store = StoreIfOpen()) return store;
  if (Status failed = failure(); !failed.ok()) return failed;
  auto opened = open(name_);
  const std::lock_guard lock(mutex_);
  last_use_ = clock_();
  if (opened.ok()) {
    failure_ = Status::Ok();
    store_ = *std::move(opened);
    return store_;
  }
  spdlog::error("database {} cannot be opened: {}", name_, opened.status().message());
  const bool damaged = opened.status().code() == StatusCode::kDataLoss;
  failure_ = Status(opened.status().code(), "database " + name_ +
                                                (damaged ? " is damaged" : " cannot be opened") +
                                                ": the log of the server tells more");
  failed_at_ = last_use_;
  return failure_;
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
  return failure_.ok() || clock_() - failed_at_ >= kRetryAfter ? Status::Ok() : failure_;
}

}  // namespace immudb
