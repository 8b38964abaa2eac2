// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "immudb/status.h"
#include "server/call_context.h"
#include "server/method.h"

namespace immudb {

// The token in the value of `authorization` metadata: one leading "Bearer " is taken off, a bare
// token is fine.
std::string_view TokenOf(std::string_view authorization);

// The refusal of calls that make no sense without authentication.
Status NeedsAuthentication();

// May the caller make this call? Fills in services, session and database of the call.
// The codes and texts are those of docs/compatibility.md.
Status Authorize(const Method& method, const Services& services, CallContext& call);

}  // namespace immudb
