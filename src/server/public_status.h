// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "immudb/status.h"
#include "server/call_context.h"

namespace immudb {

// Returns the form of `status` that the client of the call may see. An error of the file system,
// and any text that names the data directory, is replaced by the kind of the error and the name of
// the database: paths, owners and errors of files are for the server's log and the operators'
// tools. All other texts stay, and the code always does. The request log has the whole text.
Status PublicStatus(const Status& status, const CallContext& call);

// Returns true if PublicStatus replaces the text of `status`.
bool NamesFiles(const Status& status, const CallContext& call);

}  // namespace immudb
