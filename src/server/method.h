// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "immudb/status.h"
#include "server/call_context.h"
#include "server/login_lane.h"

namespace immudb {

// What a caller must be allowed to do. All but kOpen also need a selected database.
enum class Access : uint8_t {
  kOpen,  // anybody, or the handler applies the rules of the contract itself
  kRead,
  kWrite,
  kDatabaseAdmin,
  kSystemAdmin,
};

// Where the handler runs.
enum class RunOn : uint8_t {
  // The thread of the network, as long as that neither waits for the disk nor moves much: else the
  // lane for such calls. See CallContext::Latest.
  kPoller,
  kReader,          // the pool for listings and other long reads
  kAdministration,  // users, databases, settings, status: nothing that grows with what is stored
  kLogin,           // the one thread that hashes passwords; see LoginLane
};

// What one call may cost at most, which bounds it: docs/reliability.md tells for each method.
enum class Cost : uint8_t {
  kConstant,        // records of users, sessions and databases, or the path of a proof
  kEntry,           // one entry, stored or asked for; over 64 KiB not on the poller
  kMessage,         // as many entries as one message takes, in the request or in the answer
  kAdministration,  // records of users and databases: as many as an administrator made
  kDatabase,        // grows with what is stored: looks at CallContext::abandoned at each step
  kPassword,        // a password is hashed
};

// Whose method it is.
enum class RpcService : uint8_t {
  kImmuService,  // immudb.schema.ImmuService, the contract
  kOperations,   // immudb.operations.Operations, ours
};

// By its full name and methods.
const google::protobuf::ServiceDescriptor& DescriptorOf(RpcService service);

// A row of the method table: one RPC.
struct Method {
  using Message = google::protobuf::Message;
  // The status to end the call with; nothing if the handler ends it later through its Completion.
  using Handler = std::optional<Status> (*)(CallContext&, const Message&, Message&);
  // Whose call it is, before it waits for its thread, or why it need not wait.
  using Ticket = Result<LoginTicket> (*)(const CallContext&, const Message&);

  std::string_view name;
  Access access;
  RunOn run;
  Cost cost;
  const Message* request;  // prototypes
  const Message* response;
  Handler handle;
  RpcService service = RpcService::kImmuService;
  bool streams = false;     // `response` is one of many; the handler calls CallContext::Stream
  Ticket ticket = nullptr;  // of those that run on kLogin
};

// All methods that are served; the rest of the services answers UNIMPLEMENTED. A new one is a row
// and a handler.
std::span<const Method> ServedMethods();

}  // namespace immudb
