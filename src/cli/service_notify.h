// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace immudb {

// Tells the service manager how the process fares, as sd_notify(3) does: lines "READY=1",
// "STATUS=...", "STOPPING=1". Nothing happens if no manager listens ($NOTIFY_SOCKET is not set), or
// if it does not take the message.
void NotifyServiceManager(std::string_view state);

}  // namespace immudb
