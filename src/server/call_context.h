// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "database/databases.h"
#include "database/login_throttle.h"
#include "database/sessions.h"
#include "database/users.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "server/chunk_source.h"
#include "server/health_checks.h"
#include "server/peer_address.h"
#include "server/server.h"

namespace immudb {

// What the handlers work on; outlives every call.
struct Services {
  const ServerOptions& options;
  Databases& databases;
  Users& users;
  Sessions& sessions;
  LoginThrottle& throttle;
  const HealthChecks& health;

  bool AuthIsOn() const { return options.auth && !options.maintenance; }
};

// One call in progress, as the handlers and the dispatcher see it, whatever front it came by. It
// lives until it was ended through a Completion; touched by one thread at a time.
class CallContext {
 public:
  virtual ~CallContext() = default;

  // Filled by the front. The views live as long as the call.
  bool has_metadata = false;
  std::optional<std::string_view> authorization;  // the first value of that metadata

  // For who observes the calls.
  std::chrono::steady_clock::time_point began;
  uint64_t messages_sent = 0;  // of a stream

  // Filled by the dispatcher before the handler runs.
  const Services* services = nullptr;
  std::shared_ptr<const Session> session;  // null: no valid token
  Database* database = nullptr;            // null: none selected (never for the data calls)

  // Of that database, open as long as the call. Only for the data calls.
  std::shared_ptr<Store> open_store;
  Store& store() const { return *open_store; }
  // How to read it: without waiting if the handler runs at once (a read that fails for it has the
  // handler run again), and no longer than somebody waits for the answer.
  ReadLimits read_limits() {
    return {.cancelled = &abandoned_, .would_wait = at_once ? &would_wait : nullptr};
  }
  Snapshot Latest() { return store().Latest().Within(read_limits()); }

  // Requests and values over this size are not handled on the thread of the network.
  static constexpr size_t kLargeBytes = ReadLimits::kAtOnceBytes;

  // The handler runs on the thread of the network. Instead of waiting for the disk or handling a
  // large value it returns WouldWait(), before it has started anything: then it runs again, on a
  // thread where it may wait. Set by the dispatcher.
  bool at_once = false;
  Status WouldWait() {
    would_wait = true;
    return Status::Unavailable("the call would wait");
  }
  bool would_wait = false;

  // Nobody waits for the answer any more. Known for the calls that are not handled at once; may be
  // asked from any thread.
  bool abandoned() const { return abandoned_.load(std::memory_order_relaxed); }

  // Asked right before the handler runs, on its thread; an error ends the call instead.
  virtual Status Starting() { return Status::Ok(); }

  // The first value of this metadata of the client, if it sent any. The view lives as long as the
  // call.
  virtual std::optional<std::string_view> Metadata(std::string_view /*name*/) const {
    return std::nullopt;
  }

  // Sends this metadata along with the answer. Only while the handler runs. `name` is a literal.
  virtual void AddAnswerHeader(const char* /*name*/, const std::string& /*value*/) {}

  // As gRPC names it; see server/peer_address.h.
  virtual std::string Peer() const = 0;
  bool PeerIsLocal() const { return IsLocalPeer(Peer()); }

  // How the handler of a streaming method answers, once, on a thread of the readers: the messages
  // of the source are sent, then the call ends. Returns when the first one is on its way.
  virtual void Stream(std::unique_ptr<ChunkSource> /*source*/) {
    End(Status::Internal("this call cannot stream"));
  }

 protected:
  friend class Completion;
  virtual void End(Status status) = 0;
  std::atomic<bool> abandoned_{false};
};

// How a handler ends its call: called exactly once, from any thread. Request and response must not
// be touched afterwards. The thread that calls it serialises the response and gives it to the
// network; that was 1.2 to 1.4 times faster than handing the calls of a commit group back to the
// poller. Copies are the same handle.
class Completion {
 public:
  explicit Completion(CallContext& call) : call_(&call) {}

  void operator()(Status status) const { call_->End(std::move(status)); }

 private:
  CallContext* call_;
};

}  // namespace immudb
