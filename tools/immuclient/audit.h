// SPDX-License-Identifier: Apache-2.0
//
// immuclient audit-mode: the auditor as a process, in the foreground, detached, once, or as a
// service of this machine.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>
#include <vector>

#include "cli/detached.h"
#include "cli/option_table.h"
#include "client/auditor.h"
#include "immudb/status.h"

namespace immudb {

// The rows of immuclient's option table that only audit-mode reads.
std::vector<OptionSpec> AuditOptions();
CommandSpec AuditCommandSpec();

// The original read the interval from a variable that is literally called `audit-agent-interval`;
// it counts when IMMUCLIENT_AUDIT_INTERVAL is not set.
Surroundings WithOddInterval(Surroundings surroundings);

// kInvalidArgument, kFailedPrecondition naming the option: a password that is given twice or cannot
// be read, or no place for the roots.
Result<AuditorOptions> ToAuditorOptions(const Settings& settings, const Surroundings& surroundings);

// What the process was started with besides its settings.
struct AuditCall {
  const Invocation& invocation;
  const std::vector<std::string>& arguments;  // all of them, to start anew in the background
  const Surroundings& surroundings;
  StartReport& report;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

// To be called from the main thread before there are others. Returns an ExitCode:
//   once               3 tampering, 6 unreachable, 5 not permitted, 1 other errors, 0 else
//   in the foreground  0 after SIGTERM or SIGINT, or why it could not start
int RunAuditMode(const AuditCall& call);

// install, uninstall, start, stop, restart, status.
int RunAuditService(const AuditCall& call, const std::string& action);

// "1m0s", "1h0m30s", "500ms": as Go writes it.
std::string GoDuration(std::chrono::milliseconds duration);

}  // namespace immudb
