// SPDX-License-Identifier: Apache-2.0
//
// A program of ours as a service of this machine, by a systemd unit. Only what it made itself is
// ever changed or removed: the unit records which files those are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// Paths are absolute, as the running service sees them.
struct ServiceSpec {
  std::string name = {};         // of the unit and of the executable: "immuclient"
  std::string description = {};  // one line
  std::string executable = {};   // where it is installed: "/usr/sbin/immuclient"
  std::string arguments = {};    // behind it: "audit-mode --config /etc/...". No characters that
                                 // systemd gives a meaning
  std::string config = {};       // "/etc/immudb/immuclient/immuclient.toml"
  // Below /var/lib and /var/log: made by systemd, for user and group immu only.
  std::string state_directory = {};  // "immuclient"
  std::string logs_directory = {};   // "immudb"
  bool notifies = false;  // tells systemd when it serves (sd_notify), however long that takes
};

// What a command of the system said.
struct CommandResult {
  int exit_code = 0;
  std::string output;  // standard output, without newlines at its end
};

struct ServiceSurroundings {
  // Put in front of all paths that are written or removed, and told to systemctl and useradd; empty
  // on a real machine.
  std::string root = {};
  bool is_root = false;
  // Runs a command found in $PATH and waits for it. kIoError if it cannot be started.
  std::function<Result<CommandResult>(const std::vector<std::string>&)> run = {};

  // This process: its user, and commands as child processes.
  static ServiceSurroundings OfProcess(std::string root);
};

// Not thread-safe. Errors are kFailedPrecondition with the texts of cli.md section 8 where it has
// one ("Service is not installed"), kPermissionDenied without root, kIoError with the command that
// failed and what it said.
class SystemdService {
 public:
  SystemdService(ServiceSpec spec, ServiceSurroundings surroundings);

  // Copies `source` to the place of the executable, writes the configuration (mode 0640, group
  // immu) and the unit, creates user and group immu if they are missing, enables the service. What
  // is at these places already is left alone: the same executable and any configuration are used
  // as they are, another executable is an error. An installed service: "Service has already been
  // installed".
  Status Install(const std::string& source, const std::string& config_content);
  // Stops it and removes what Install made. Configuration that was there before stays, as do user
  // and data.
  Status Uninstall();
  // Everything below the state directory. To be called after Uninstall.
  Status EraseData();

  Status Start();    // "Service is already running"
  Status Stop();     // "Service has already been stopped"
  Status Restart();  // starts it too
  // "Service (pid  42) is running...", "Service is running..." or "Service is stopped".
  Result<std::string> StatusText();
  // kPermissionDenied, kFailedPrecondition: no root, no systemd, or (if it must be) not installed.
  Status Check(bool installed) const;

  bool IsInstalled() const;
  std::string Unit(bool own_executable, bool own_config) const;

 private:
  std::string Real(const std::string& path) const { return surroundings_.root + path; }
  std::string UnitPath() const;
  bool UnitHas(const std::string& line) const;
  std::vector<std::string> Systemctl(std::vector<std::string> words) const;
  std::vector<std::string> AccountCommand(std::vector<std::string> words) const;
  Result<CommandResult> Run(const std::vector<std::string>& command);
  Status Expect(const std::vector<std::string>& command);
  Result<bool> IsActive();
  Status EnsureUser();
  Result<bool> InstallExecutable(const std::string& source);
  Result<bool> InstallConfig(const std::string& content);

  const ServiceSpec spec_;
  const ServiceSurroundings surroundings_;
};

}  // namespace immudb
