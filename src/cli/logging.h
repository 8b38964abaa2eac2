// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immudb/status.h"

namespace immudb {

struct LogOptions {
  std::string prefix = {};  // "immudb "; not in JSON
  std::string level = {};   // error, warn, info, debug (the variable LOG_LEVEL); empty: info
  std::string file = {};    // appended to; made with mode 0640, as is one parent; empty: stderr
  bool json = false;
  // Standard output and error go to the file too: what an aborting library prints must not be lost
  // in a process that has no terminal.
  bool take_standard_streams = false;
};

// Sends the process's log to stderr or a file, one line an event:
//
//     immudb  2026/08/29 10:11:12 INFO: text      stderr, local time
//     immudb 2026/08/29 10:11:12 INFO: text       file
//     {"time":"2026-08-29T08:11:12.345Z","level":"info","message":"text"}     JSON, UTC
//
// In JSON the fields of a LogEvent (base/log_event.h) are members behind these, after "event", its
// name.
// A thread of the log writes the lines (cli/queued_log_sink.h): whoever logs waits for nothing, and
// what the disk or the reader of a pipe does not take in time is dropped and counted. To be called
// once, before other threads log.
// kIoError: the file cannot be written, nothing was changed. kInvalidArgument: the level is
// unknown, the log is started with info.
Status StartLogging(const LogOptions& options);

// Waits until what was logged is written, at most QueuedLogSink::kPatience. For what the process
// says elsewhere behind it. Thread-safe.
void FlushLog();

// Opens the log file anew (after it was renamed); nothing if the log goes to stderr. If that fails
// (kIoError) the old one stays in use. Thread-safe.
Status ReopenLog();

}  // namespace immudb
