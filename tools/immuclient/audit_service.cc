// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>

#include "base/status_macros.h"
#include "cli/exit_code.h"
#include "cli/option_table.h"
#include "client/audit_source.h"
#include "client/auditor.h"
#include "immuclient/audit.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "support/connection_options.h"
#include "support/systemd_service.h"

namespace immudb {
namespace {

constexpr char kName[] = "immuclient";
constexpr char kOk[] = "\t\t\t\t\t[  OK  ]";
constexpr char kState[] = "immuclient";

ServiceSpec Spec() {
  const std::string config = "/etc/immudb/immuclient/immuclient.toml";
  return {.name = kName,
          .description = "immuclient auditor",
          .executable = "/usr/sbin/immuclient",
          .arguments = "audit-mode --config " + config,
          .config = config,
          .state_directory = kState,
          .logs_directory = "immudb"};
}

// A TOML basic string: JSON's escapes are among TOML's.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// What audit-mode is told now is what the service is told, with paths that hold anywhere.
Result<std::string> ConfigOf(const Settings& settings, const AuditorOptions& options) {
  std::string config = "# The auditor of this machine. It holds a password: keep its mode 0640.\n";
  const auto add = [&config](const std::string& name, const std::string& value) {
    config += name;
    config += " = ";
    config += value;
    config += '\n';
  };
  for (const char* name : {"immudb-address", "servername", "prometheus-host"}) {
    if (!settings.Text(name).empty()) add(name, Quoted(settings.Text(name)));
  }
  for (const char* name : {"immudb-port", "prometheus-port", "audit-recheck", "audit-rate"}) {
    add(name, settings.Written(name));
  }
  add("audit-verify-values", settings.Written("audit-verify-values"));
  add("audit-interval", Quoted(settings.Written("audit-interval")));
  add("audit-username", Quoted(options.user));
  if (options.password.starts_with("enc:")) {
    return Status::InvalidArgument("option audit-password: it must not itself begin with enc:");
  }
  add("audit-password", Quoted(options.password));
  add("roots-filepath", Quoted(std::string("/var/lib/") + kState));
  if (settings.Bool("mtls")) add("mtls", "true");
  for (const char* name : {"certificate", "pkey", "clientcas"}) {
    const bool given = settings.origin(name) != OptionOrigin::kDefault;
    if (!settings.Bool("mtls") && !given) continue;
    add(name, Quoted(std::filesystem::absolute(settings.Text(name)).lexically_normal().string()));
  }
  return config;
}

bool Confirmed(const AuditCall& call, const std::string& question) {
  if (call.invocation.settings.Bool("yes")) return true;
  call.out << question << std::flush;
  std::string answer;
  std::getline(call.in, answer);
  return answer == "y" || answer == "Y";
}

std::string OwnPath() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

// A service that cannot log in would only be found out by its silence.
Status TryLogin(const AuditorOptions& options, const ClientOptions& connection) {
  const auto source = DialAuditSource(connection);
  IMMUDB_RETURN_IF_ERROR(source);
  if (options.user.empty()) return Status::Ok();
  return (*source)->Login(options.user, options.password).WithContext("Invalid login operation");
}

Status Install(const AuditCall& call, SystemdService& service) {
  const Settings& settings = call.invocation.settings;
  IMMUDB_RETURN_IF_ERROR(service.Check(false));
  if (service.IsInstalled()) return service.Install("", "");
  const auto options = ToAuditorOptions(settings, call.surroundings);
  IMMUDB_RETURN_IF_ERROR(options);
  const auto connection = ToClientOptions(settings);
  IMMUDB_RETURN_IF_ERROR(connection);
  IMMUDB_RETURN_IF_ERROR(TryLogin(*options, *connection));
  const auto config = ConfigOf(settings, *options);
  IMMUDB_RETURN_IF_ERROR(config);
  call.out << "installing " << Spec().executable << "..." << std::endl;
  IMMUDB_RETURN_IF_ERROR(service.Install(OwnPath(), *config));
  call.out << "Install " << kName << ':' << kOk << std::endl;
  IMMUDB_RETURN_IF_ERROR(service.Start());
  call.out << "Starting " << kName << ':' << kOk << std::endl;
  return Status::Ok();
}

Status Uninstall(const AuditCall& call, SystemdService& service) {
  IMMUDB_RETURN_IF_ERROR(service.Check(true));
  if (!Confirmed(call, std::string("Are you sure you want to uninstall ") + kName + "? [y/N]")) {
    call.out << "No action" << std::endl;
    return Status::Ok();
  }
  IMMUDB_RETURN_IF_ERROR(service.Uninstall());
  call.out << "Removing " << kName << ':' << kOk << std::endl;
  if (Confirmed(call, "Erase data? [y/N]")) {
    IMMUDB_RETURN_IF_ERROR(service.EraseData());
    call.out << "Data folder removed" << std::endl;
  } else {
    call.out << "No data removed" << std::endl;
  }
  call.out << "Program files removed" << std::endl;
  return Status::Ok();
}

Status Act(const AuditCall& call, const std::string& action, SystemdService& service) {
  if (action == "install") return Install(call, service);
  if (action == "uninstall") return Uninstall(call, service);
  if (action == "status") {
    const auto text = service.StatusText();
    IMMUDB_RETURN_IF_ERROR(text);
    call.out << *text << std::endl;
    return Status::Ok();
  }
  if (action == "stop") {
    IMMUDB_RETURN_IF_ERROR(service.Stop());
    call.out << "Stopping " << kName << ':' << kOk << std::endl;
    return Status::Ok();
  }
  IMMUDB_RETURN_IF_ERROR(action == "start" ? service.Start() : service.Restart());
  call.out << "Starting " << kName << ':' << kOk << std::endl;
  return Status::Ok();
}

}  // namespace

int RunAuditService(const AuditCall& call, const std::string& action) {
  const std::string& root = call.invocation.settings.Text("service-root");
  auto surroundings = ServiceSurroundings::OfProcess(root);
  if (!root.empty()) surroundings.is_root = true;  // the directory is the caller's
  SystemdService service(Spec(), std::move(surroundings));
  const Status status = Act(call, action, service);
  if (status.ok()) return static_cast<int>(ExitCode::kDone);
  call.err << status.message() << std::endl;
  return static_cast<int>(ExitCodeFor(status.code()));
}

}  // namespace immudb
