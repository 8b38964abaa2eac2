// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/commands.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "immuadmin/machine_commands.h"
#include "immuadmin/service_places.h"
#include "immudb/status.h"
#include "support/systemd_service.h"

namespace immudb {
namespace {

constexpr char kName[] = "immudb";
constexpr char kOk[] = ":\t\t\t\t\t[  OK  ]";
ServiceSpec Spec() {
  return {.name = kName,
          .description = "immudb, the immutable database",
          .executable = kLinuxPlaces.executable,
          .arguments = std::string("--config ") + kLinuxPlaces.config_file,
          .config = kLinuxPlaces.config_file,
          .state_directory = kName,
          .logs_directory = kName,
          .notifies = true};
}

// The daemon to install: the one that was named, else that beside this program.
std::string Source(const Settings& settings) {
  const std::string& given = settings.Text("local-file");
  if (!given.empty()) return given;
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  return (own.parent_path() / kName).string();
}

Result<std::string> Install(const CommandContext& context, SystemdService& service) {
  IMMUDB_RETURN_IF_ERROR(service.Install(Source(context.settings()), ServiceConfig(kLinuxPlaces)));
  IMMUDB_RETURN_IF_ERROR(service.Start());
  return std::string("Install ") + kName + kOk + "\nStarting " + kName + kOk;
}

Result<std::string> Uninstall(const CommandContext& context, SystemdService& service) {
  const bool erase = context.settings().Bool("remove-files");
  IMMUDB_RETURN_IF_ERROR(service.Check(true));
  IMMUDB_RETURN_IF_ERROR(
      ConfirmByName(context,
                    erase ? "The service will be removed, and all its DATA in /var/lib/immudb."
                          : "The service will be removed; its data stay.",
                    kName));
  IMMUDB_RETURN_IF_ERROR(service.Uninstall());
  std::string text = std::string("Removing ") + kName + kOk;
  if (!erase) return text + "\nNo data removed";
  IMMUDB_RETURN_IF_ERROR(service.EraseData());
  return text + "\nData folder removed";
}

Result<std::string> Act(const CommandContext& context, const std::string& action,
                        SystemdService& service) {
  if (action == "install") return Install(context, service);
  if (action == "uninstall") return Uninstall(context, service);
  if (action == "status") return service.StatusText();
  if (action == "stop") {
    IMMUDB_RETURN_IF_ERROR(service.Stop());
    return std::string("Stopping ") + kName + kOk;
  }
  IMMUDB_RETURN_IF_ERROR(action == "start" ? service.Start() : service.Restart());
  return std::string("Starting ") + kName + kOk;
}

std::string WrongArguments(const CommandArguments& arguments) {
  if (arguments.empty()) return "required a service name";
  if (arguments[0] != kName) {
    return "invalid service argument specified: " + arguments[0] + ". Available list is [immudb]";
  }
  if (arguments.size() < 2) return "required a command name";
  const std::vector<std::string> actions = {"install", "uninstall", "start",    "stop",
                                            "restart", "status",    "rc-script"};
  if (std::ranges::find(actions, arguments[1]) != actions.end()) return "";
  return "invalid command argument specified: " + arguments[1] +
         ". Available list is [install uninstall start stop restart status]";
}

Outcome Service(const CommandContext& context, const CommandArguments& arguments) {
  const std::string wrong = WrongArguments(arguments);
  if (!wrong.empty()) return WrongUsage(wrong);
  if (arguments[1] == "rc-script") {
    std::string script = FreeBsdRcScript();
    Json json{{"service", kName}, {"script", script}, {"place", kFreeBsdPlaces.script}};
    script.pop_back();  // the newline, which is added
    return Said(std::move(script), std::move(json));
  }
  const std::string& root = context.settings().Text("service-root");
  auto surroundings = ServiceSurroundings::OfProcess(root);
  if (!root.empty()) surroundings.is_root = true;  // the directory is the caller's
  SystemdService service(Spec(), std::move(surroundings));
  const auto said = Act(context, arguments[1], service);
  if (!said.ok()) return Failed(said.status());
  Json json{{"service", kName}, {"command", arguments[1]}};
  if (arguments[1] == "status") json["status"] = *said;
  return Said(*said, std::move(json));
}

}  // namespace

SystemdService InstalledService() {
  return {Spec(), ServiceSurroundings::OfProcess("")};
}

Command ServiceCommand() {
  return {{.name = "service",
           .arguments = "immudb install|uninstall|start|stop|restart|status|rc-script",
           .max_arguments = 2,
           .help = "immudb as a systemd service of this machine; needs root. rc-script: print one "
                   "for FreeBSD, untested",
           .options = {{.name = "local-file",
                        .help = "install: the executable; default: immudb beside this program"},
                       {.name = "remove-files",
                        .type = OptionType::kBool,
                        .default_value = "false",
                        .help = "uninstall: also remove all data"},
                       YesOption(),
                       {.name = "service-root",
                        .help = "prepare the file system of another machine under this "
                                "directory",
                        .flag_only = true}}},
          Service};
}

std::vector<Command> MachineCommands() {
  return {StatsCommand(), TlsCommand(), ServiceCommand()};
}

}  // namespace immudb
