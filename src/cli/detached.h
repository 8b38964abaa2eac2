// SPDX-License-Identifier: Apache-2.0
//
// Detached mode. The parent starts the same program anew, in a session of its own, and waits until
// that child says that it serves or why it does not:
//
//     parent  StartDetached() ── starts ──▶ child   StartReport::Take()
//                  ▲                                    ...
//                  └──────── pipe ──────────────────── Serving() or Failed("port in use")
//
// The child knows what it is by a private argument together with the pipe, never by the absence of
// a flag: an environment variable or a file may go on saying "detached".
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// The child's end. In a process that was not started by StartDetached it does nothing. Not
// thread-safe. Destroyed without a report, it lets the parent see a failure.
class StartReport {
 public:
  // Takes the private argument off `arguments`, if there is one.
  static StartReport Take(std::vector<std::string>* arguments);
  ~StartReport();
  StartReport(StartReport&& other) noexcept;
  StartReport& operator=(StartReport&&) = delete;

  bool detached() const { return detached_; }

  // The first report counts.
  void Serving();
  void Failed(const std::string& message);

 private:
  StartReport() = default;
  void Send(const std::string& text);

  bool detached_ = false;
  int fd_ = -1;
};

// Starts this program with `arguments` (those of the parent, as they are) in the background: new
// session, standard input and output at /dev/null, no other descriptor inherited, same working
// directory. Returns its process id once it serves. Errors: kFailedPrecondition with the child's
// own words, kUnavailable if it is still starting after `patience` (it is left running).
Result<pid_t> StartDetached(const std::vector<std::string>& arguments,
                            std::chrono::milliseconds patience);

// The file name of this program.
std::string ExecutableName();

// "immudb has been started with PID 42", with a newline; green and blue if `colour`.
std::string StartedLine(const std::string& executable, pid_t pid, bool colour);

}  // namespace immudb
