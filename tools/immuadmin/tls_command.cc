// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "immuadmin/machine_commands.h"
#include "immuadmin/tls_script.h"
#include "immudb/status.h"
#include "support/systemd_service.h"

namespace immudb {
namespace {

constexpr char kScriptName[] = "generate.sh";

Json Files(const std::string& directory, const std::string& name) {
  return {{"clientcas", directory + "/2_intermediate/certs/ca-chain.cert.pem"},
          {"server_certificate", directory + "/3_application/certs/" + name + ".cert.pem"},
          {"server_pkey", directory + "/3_application/private/" + name + ".key.pem"},
          {"client_certificate", directory + "/4_client/certs/" + name + ".cert.pem"},
          {"client_pkey", directory + "/4_client/private/" + name + ".key.pem"}};
}

Outcome Tls(const CommandContext& context, const CommandArguments& arguments) {
  if (arguments[0] != "init") {
    return WrongUsage("unknown action \"" + arguments[0] + "\" of tls; it has: init");
  }
  const Settings& settings = context.settings();
  const std::string& directory = settings.Text("out");
  std::vector<std::string> command = {"bash",      "-c",     kTlsScript,
                                      kScriptName, "--days", std::to_string(settings.Int("days")),
                                      "--out",     directory};
  if (settings.Bool("force")) command.emplace_back("--force");
  command.insert(command.end(), arguments.begin() + 1, arguments.end());
  const auto result = ServiceSurroundings::OfProcess("").run(command);
  if (!result.ok()) return Failed(result.status());
  if (result->exit_code == 0) {
    return Said(result->output,
                Files(directory, arguments.size() > 1 ? arguments[1] : "localhost"));
  }
  std::string why = result->output;
  const std::string prefix = std::string(kScriptName) + ": ";
  if (why.starts_with(prefix)) why.erase(0, prefix.size());
  if (result->exit_code == static_cast<int>(ExitCode::kUsage)) return WrongUsage(why);
  return Failed(Status::FailedPrecondition(why));
}

}  // namespace

Command TlsCommand() {
  constexpr size_t kMostNames = 100;
  return {{.name = "tls",
           .arguments = "init [name-or-address ...]",
           .min_arguments = 1,
           .max_arguments = kMostNames,
           .help = "Make a certificate authority (once), and with it certificates for the server "
                   "and one client, valid for these names; default: localhost",
           .options = {{.name = "out",
                        .default_value = "./tools/mtls",
                        .help = "where to put them; immudb and its clients look there by default"},
                       {.name = "days",
                        .type = OptionType::kInt,
                        .default_value = "365",
                        .help = "how long server and client certificate are valid",
                        .min = 1,
                        .max = 3650},
                       {.name = "force",
                        .type = OptionType::kBool,
                        .default_value = "false",
                        .help = "replace a server and client certificate that exist; the "
                                "authority is kept"}}},
          Tls};
}

}  // namespace immudb
