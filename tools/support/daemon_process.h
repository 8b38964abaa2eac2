// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// A child process that serves a port and says on its standard output where: the daemon, with a line
// "Address         : 127.0.0.1:43210". Not thread-safe. The destructor kills and reaps it.
class DaemonProcess {
 public:
  // Starts `arguments` (the first one is the program) and waits until the address line was printed.
  // kUnavailable if it exits or stays silent for `patience`.
  static Result<std::unique_ptr<DaemonProcess>> Start(
      const std::vector<std::string>& arguments,
      std::chrono::seconds patience = std::chrono::seconds(60));
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  int port() const { return port_; }
  pid_t pid() const { return pid_; }
  // All that was printed until (and with) the address line.
  const std::string& start_output() const { return output_; }

  // Sends the signal and waits for the end; the exit code, or 128 + the signal that ended it.
  int Stop(int signal);

 private:
  DaemonProcess(pid_t pid, int out) : pid_(pid), out_(out) {}
  Status AwaitAddress(std::chrono::seconds patience);

  pid_t pid_;
  int out_;
  int port_ = 0;
  std::string output_;
};

}  // namespace immudb
