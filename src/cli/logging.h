// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// Sends the process's log to stderr, one line an event:
//
//     immudb  2026/08/29 10:11:12 INFO: text
//
// `level` is error, warn, info or debug (the variable LOG_LEVEL); empty means info. Another word is
// kInvalidArgument, and info is used. To be called once, before other threads log.
Status StartLogging(const std::string& prefix, std::string_view level);

}  // namespace immudb
