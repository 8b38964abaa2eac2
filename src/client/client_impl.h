// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "client/root_store.h"
#include "client/rpc.h"
#include "client/token_store.h"
#include "client/verified_calls.h"
#include "immudb/client.h"

namespace immudb {

// What a Client consists of; shared by the source files that hold its members.
class Client::Impl {
 public:
  Impl(const ClientOptions& options, std::unique_ptr<Rpc> rpc, std::string uuid, TokenStore tokens,
       SavedSession session)
      : call_timeout(options.call_timeout),
        rpc(std::move(rpc)),
        uuid(std::move(uuid)),
        tokens(std::move(tokens)),
        roots(FileSystem::Real(), options.root_directory, this->uuid),
        verified(*this->rpc, roots),
        session_(std::move(session)) {}

  // Token and database as they belong together, whatever other threads do.
  SavedSession session() const {
    const std::lock_guard hold(mutex_);
    return session_;
  }
  std::string token() const { return session().token; }

  Status SetSession(SavedSession session) {
    const std::lock_guard hold(mutex_);
    IMMUDB_RETURN_IF_ERROR(tokens.Save(session));
    session_ = std::move(session);
    return Status::Ok();
  }
  Status DropSession() {
    const std::lock_guard hold(mutex_);
    session_ = {};
    return tokens.Remove().status();
  }

  const std::chrono::milliseconds call_timeout;
  const std::unique_ptr<Rpc> rpc;
  const std::string uuid;
  const TokenStore tokens;
  const RootStore roots;
  VerifiedCalls verified;

 private:
  mutable std::mutex mutex_;
  SavedSession session_;  // guarded by mutex_
};

}  // namespace immudb
