// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "immudb/status.h"
#include "server/call_context.h"

namespace immudb {

// What the client of the call is told of `status`. Where the server's files lie, who owns them and
// what the system said of them is for the server's log and the operators' tools: an error of the
// file system, and any text that names the data directory, becomes a text with the kind of the
// error and the name of the database. All other texts stay. The code stays always.
// The request log has the whole text.
Status PublicStatus(const Status& status, const CallContext& call);

// Is there something in `status` that PublicStatus keeps back?
bool NamesFiles(const Status& status, const CallContext& call);

}  // namespace immudb
