// SPDX-License-Identifier: Apache-2.0
#include "immudb/store.h"

#include <atomic>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "store/store_impl.h"
#include "store/transaction.h"
#include "store/verification.h"

namespace immudb {

Store::Store(std::unique_ptr<StoreImpl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(const std::string& directory,
                                           const StoreOptions& options) {
  auto impl = StoreImpl::Open(directory, options);
  IMMUDB_RETURN_IF_ERROR(impl);
  return std::unique_ptr<Store>(new Store(*std::move(impl)));
}

void Store::CommitAsync(Transaction transaction, Completion done) {
  impl_->CommitAsync(std::move(transaction), std::move(done));
}

Status Store::Prepare(Transaction& transaction, const ReadLimits& limits) const {
  TransactionBody* body = transaction.body_.get();
  if (body == nullptr || !body->has_references) return Status::Ok();
  IMMUDB_RETURN_IF_ERROR(impl_->CheckReferences(*body, limits));
  body->has_references = false;
  return Status::Ok();
}

Result<CommitInfo> Store::Commit(Transaction transaction) {
  // Waiting on an atomic wakes many callers several times cheaper than a condition variable.
  // Shared: the store's thread still notifies when this one may have returned.
  struct Outcome {
    std::atomic<int> ready{0};
    std::optional<Result<CommitInfo>> result;
  };
  const auto outcome = std::make_shared<Outcome>();
  impl_->CommitAsync(std::move(transaction), [outcome](Result<CommitInfo> result) {
    outcome->result.emplace(std::move(result));
    outcome->ready.store(1, std::memory_order_release);
    outcome->ready.notify_one();
  });
  outcome->ready.wait(0, std::memory_order_acquire);
  return *std::move(outcome->result);
}

Snapshot Store::Latest() const {
  return impl_->Latest();
}

StoreFigures Store::figures() const {
  return impl_->Figures();
}

Status Store::failure() const {
  return impl_->failure();
}

Status Store::Close() {
  return impl_->Close();
}

Result<VerifyReport> Store::Verify(const std::string& directory, const VerifyOptions& options) {
  return VerifyStore(directory, options);
}

Status Store::Rebuild(const std::string& directory, const StoreOptions& options) {
  FileSystem& fs = options.file_system != nullptr ? *options.file_system : FileSystem::Real();
  const StorePaths paths(directory);
  {
    const auto lock = fs.Lock(paths.lock);
    IMMUDB_RETURN_IF_ERROR(lock);
    IMMUDB_RETURN_IF_ERROR(RemoveDerivedFiles(fs, paths));
  }
  auto store = Open(directory, options);
  IMMUDB_RETURN_IF_ERROR(store);
  return (*store)->Close();
}

}  // namespace immudb
