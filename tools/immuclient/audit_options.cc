// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "cli/option_table.h"
#include "cli/option_value.h"
#include "cli/secret_file.h"
#include "client/auditor.h"
#include "immuclient/audit.h"
#include "immudb/status.h"

namespace immudb {
namespace {

constexpr char kOddVariable[] = "audit-agent-interval";
constexpr char kIntervalVariable[] = "IMMUCLIENT_AUDIT_INTERVAL";
constexpr int64_t kShortestIntervalMs = 100;

std::string Variable(const Surroundings& surroundings, const std::string& name) {
  const auto it = surroundings.environment.find(name);
  return it == surroundings.environment.end() ? "" : it->second;
}

Result<std::string> PasswordOf(const Settings& settings) {
  const std::string& file = settings.Text("audit-password-file");
  if (file.empty()) {
    const auto password = DecodePassword(settings.Text("audit-password"));
    return password.ok() ? password : password.status().WithContext("option audit-password");
  }
  if (settings.origin("audit-password") != OptionOrigin::kDefault) {
    return Status::InvalidArgument(
        "options audit-password and audit-password-file are both given: give one of them");
  }
  const auto secret = ReadSecretFile(file);
  if (!secret.ok()) return secret.status().WithContext("option audit-password-file");
  return secret->text;
}

// Not the temporary directory: whoever empties it, if only by a restart of the machine, would have
// the auditor trust anew.
Result<std::string> RootsDirectory(const Settings& settings, const Surroundings& surroundings) {
  if (!settings.Text("roots-filepath").empty()) return settings.Text("roots-filepath");
  if (const auto state = Variable(surroundings, "STATE_DIRECTORY"); !state.empty()) return state;
  if (const auto home = Variable(surroundings, "HOME"); !home.empty()) {
    return JoinPath(home, ".immudb-audit");
  }
  return Status::InvalidArgument("option roots-filepath: needed, because $HOME is not set");
}

}  // namespace

std::vector<OptionSpec> AuditOptions() {
  return {{.name = "audit-username", .help = "audit-mode: user that logs in"},
          {.name = "audit-password",
           .help = "audit-mode: its password, as plain text or base64 encoded (must be prefixed "
                   "with 'enc:' then)",
           .secret = true},
          {.name = "audit-password-file",
           .help = "audit-mode: file that holds the password, instead of audit-password"},
          {.name = "audit-interval",
           .type = OptionType::kDuration,
           .default_value = "1m",
           .help = "audit-mode: from the start of a round to that of the next",
           .min = kShortestIntervalMs},
          {.name = "audit-verify-values",
           .type = OptionType::kBool,
           .default_value = "true",
           .help = "audit-mode: also read and hash entries"},
          {.name = "audit-recheck",
           .type = OptionType::kInt,
           .default_value = "10000",
           .help = "audit-mode: old entries of each database that a round reads again, in turn",
           .min = 0},
          {.name = "audit-rate",
           .type = OptionType::kInt,
           .default_value = "0",
           .help = "audit-mode: entries a second that are read at most; 0: no limit",
           .min = 0},
          {.name = "roots-filepath",
           .help = "audit-mode: directory of what was proven; empty: $STATE_DIRECTORY, else "
                   "$HOME/.immudb-audit"},
          {.name = "prometheus-host",
           .default_value = "0.0.0.0",
           .help = "audit-mode: address that serves the metrics"},
          {.name = "prometheus-port",
           .type = OptionType::kInt,
           .default_value = "9477",
           .help = "audit-mode: its port; 0: any free one",
           .min = 0,
           .max = 65535},
          {.name = "pidfile", .help = "audit-mode: pid path with filename"},
          {.name = "logfile", .help = "audit-mode: log path with filename"},
          {.name = "log-format",
           .default_value = "text",
           .help = "audit-mode: form of the log lines",
           .choices = {"text", "json"}},
          {.name = "detached",
           .type = OptionType::kBool,
           .default_value = "false",
           .help = "audit-mode: run in background"}};
}

CommandSpec AuditCommandSpec() {
  return {
      .name = "audit-mode",
      .alias = "",
      .arguments = "[action]",
      .min_arguments = 0,
      .max_arguments = 1,
      .help =
          "Audit the server. Actions: install, uninstall, start, stop, restart, status (of a "
          "service), help",
      .options = {{.name = "once",
                   .type = OptionType::kBool,
                   .default_value = "false",
                   .help = "one round, whose result is the exit code",
                   .flag_only = true},
                  {.name = "yes",
                   .type = OptionType::kBool,
                   .default_value = "false",
                   .help = "uninstall: remove without asking, data too",
                   .flag_only = true},
                  {.name = "service-root",
                   .help = "install and the like: directory in place of /, for images and tests",
                   .flag_only = true}}};
}

Surroundings WithOddInterval(Surroundings surroundings) {
  const std::string odd = Variable(surroundings, kOddVariable);
  if (!odd.empty() && Variable(surroundings, kIntervalVariable).empty()) {
    surroundings.environment[kIntervalVariable] = odd;
  }
  return surroundings;
}

Result<AuditorOptions> ToAuditorOptions(const Settings& settings,
                                        const Surroundings& surroundings) {
  auto password = PasswordOf(settings);
  IMMUDB_RETURN_IF_ERROR(password);
  auto roots = RootsDirectory(settings, surroundings);
  IMMUDB_RETURN_IF_ERROR(roots);
  AuditorOptions options;
  options.address = settings.Text("immudb-address");
  if (!options.address.starts_with("unix:")) {
    options.address += ':';
    options.address += settings.Written("immudb-port");
  }
  options.user = settings.Text("audit-username");
  options.password = *std::move(password);
  if (options.user.empty() && !options.password.empty()) {
    return Status::InvalidArgument("option audit-username: needed, because a password is given");
  }
  options.roots_directory = *std::move(roots);
  options.interval = settings.Duration("audit-interval");
  options.verify_values = settings.Bool("audit-verify-values");
  options.recheck = static_cast<uint64_t>(settings.Int("audit-recheck"));
  options.rate = static_cast<uint64_t>(settings.Int("audit-rate"));
  return options;
}

}  // namespace immudb
