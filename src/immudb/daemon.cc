// SPDX-License-Identifier: Apache-2.0
#include "immudb/daemon.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "cli/detached.h"
#include "cli/exit_code.h"
#include "cli/generator_commands.h"
#include "cli/logging.h"
#include "cli/option_table.h"
#include "cli/pid_file.h"
#include "cli/prompt.h"
#include "cli/service_notify.h"
#include "cli/version.h"
#include "database/databases.h"
#include "immudb/daemon_options.h"
#include "immudb/start_block.h"
#include "immudb/status.h"
#include "immudb/stop_signals.h"
#include "server/grpc_log.h"
#include "server/server.h"

namespace immudb {
namespace {

constexpr std::chrono::milliseconds kShutdownGrace{5000};
// Reading a large log again after a crash takes minutes.
constexpr std::chrono::minutes kDetachedPatience{10};

int ExitWith(ExitCode code) {
  return static_cast<int>(code);
}

// The one line that says why the daemon ends, to who waits for it.
int Fail(const Status& status, ExitCode code, StartReport* report) {
  if (report->detached()) {
    report->Failed(status.message());
  } else {
    std::cerr << "immudb: " << status.message() << std::endl;
  }
  return ExitWith(code);
}

Status StartLog(const Invocation& invocation, const Surroundings& surroundings, bool detached) {
  const Settings& settings = invocation.settings;
  const auto level = surroundings.environment.find("LOG_LEVEL");
  Status started =
      StartLogging({.prefix = "immudb ",
                    .level = level == surroundings.environment.end() ? "" : level->second,
                    .file = settings.Text("logfile"),
                    .json = settings.Text("log-format") == "json",
                    .take_standard_streams = detached});
  if (started.code() == StatusCode::kIoError) return started;
  if (!started.ok()) spdlog::warn("{}", started.message());
  RouteLibraryLogs();
  for (const auto& warning : invocation.warnings) spdlog::warn("{}", warning);
  for (const auto& [text, grave] : StartWarnings(settings)) {
    spdlog::log(grave ? spdlog::level::err : spdlog::level::warn, "{}", text);
  }
  return Status::Ok();
}

// The start block: its options to a log file, a line an event; all of it to the terminal, last,
// where the ready line tells scripts that everything is done.
void ShowStart(const ServerOptions& options, const Server& server, const ProcessFiles& files,
               bool detached) {
  const std::string block = StartBlock(options, server.port(), server.metrics_port(), files);
  const size_t options_begin = block.find("====");
  std::istringstream lines(block.substr(options_begin, block.find("----") - options_begin));
  std::string line;
  while (!files.log.empty() && std::getline(lines, line)) spdlog::info("{}", line);
  if (!detached) std::cout << block << ReadyLine(UseColour(STDOUT_FILENO)) << std::flush;
}

Status Serve(const ServerOptions& options, const Settings& settings, StartReport* report) {
  StopSignals signals;
  const ProcessFiles files{.config = settings.config_file(),
                           .pid = settings.Text("pidfile"),
                           .log = settings.Text("logfile")};
  std::unique_ptr<PidFile> pid_file;
  if (!files.pid.empty()) {
    auto prepared = PidFile::Prepare(files.pid);
    IMMUDB_RETURN_IF_ERROR(prepared);
    pid_file = *std::move(prepared);
  }
  NotifyServiceManager("STATUS=opening " + options.directory);
  const auto server = Server::Start(options);
  IMMUDB_RETURN_IF_ERROR(server);
  if (pid_file != nullptr) IMMUDB_RETURN_IF_ERROR(pid_file->Write());
  ShowStart(options, **server, files, report->detached());
  FlushLog();  // whoever waits for the report may look there
  report->Serving();
  NotifyServiceManager("READY=1\nSTATUS=serving");
  signals.Wait();
  NotifyServiceManager("STOPPING=1\nSTATUS=finishing calls and closing databases");
  IMMUDB_RETURN_IF_ERROR((*server)->Shutdown(kShutdownGrace));
  spdlog::info("Shutdown completed");
  return Status::Ok();
}

int RunInForeground(const Invocation& invocation, const Surroundings& surroundings,
                    const ServerOptions& options, StartReport* report) {
  const Settings& settings = invocation.settings;
  StopSignals::Block();
  const Status logging = StartLog(invocation, surroundings, report->detached());
  if (!logging.ok()) return Fail(logging, ExitCode::kFailed, report);
  const Status served = Serve(options, settings, report);
  if (served.ok()) return ExitWith(ExitCode::kDone);
  const bool plain_on_stderr =
      settings.Text("logfile").empty() && settings.Text("log-format") == "text";
  if (!plain_on_stderr) spdlog::error("{}", served.message());
  FlushLog();
  return Fail(served, ExitCode::kFailed, report);
}

int RunInBackground(const std::vector<std::string>& arguments, const Settings& settings,
                    StartReport* report) {
  if (settings.Text("logfile").empty()) {
    std::cerr << "immudb: detached without a logfile: what it logs is lost" << std::endl;
  }
  const auto pid = StartDetached(arguments, kDetachedPatience);
  if (!pid.ok()) return Fail(pid.status(), ExitCode::kFailed, report);
  std::cout << StartedLine(ExecutableName(), *pid, UseColour(STDOUT_FILENO)) << std::flush;
  return ExitWith(ExitCode::kDone);
}

int ShowHelp(const ProgramSpec& program, const Invocation& invocation) {
  std::cout << HelpText(program, invocation.arguments.empty() ? "" : invocation.arguments.front());
  return ExitWith(ExitCode::kDone);
}

int ShowConfig(const ProgramSpec& program, const Invocation& invocation) {
  for (const auto& warning : invocation.warnings) std::cerr << "immudb: " << warning << '\n';
  std::cout << ConfigListing(program, invocation.settings);
  return ExitWith(ExitCode::kDone);
}

int ShowAudit(const Settings& settings, StartReport* report) {
  const Status read = Databases::ReadAudit(settings.Text("dir"), [](const std::string& record) {
    std::cout << record << '\n';
    return std::cout.good();
  });
  if (!read.ok()) return Fail(read, ExitCodeFor(read.code()), report);
  return ExitWith(ExitCode::kDone);
}

// As many descriptors as the system lets us have: databases and connections need them.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

ExitCode CodeOf(const Status& wrong_options) {
  const bool usage = wrong_options.code() == StatusCode::kInvalidArgument;
  return usage ? ExitCode::kUsage : ExitCode::kFailed;
}

}  // namespace

int RunDaemon(std::vector<std::string> arguments) {
  StartReport report = StartReport::Take(&arguments);
  const ProgramSpec program = DaemonProgram();
  if (const auto code = RunGenerator(program, arguments, std::cout, std::cerr)) return *code;
  const auto surroundings = Surroundings::OfProcess();
  const auto invocation = ParseCommandLine(program, arguments, surroundings);
  if (!invocation.ok()) return Fail(invocation.status(), CodeOf(invocation.status()), &report);
  if (invocation->help) return ShowHelp(program, *invocation);
  if (invocation->version) {
    std::cout << VersionText(program.name) << '\n';
    return ExitWith(ExitCode::kDone);
  }
  const Settings& settings = invocation->settings;
  if (settings.Bool("print-config")) return ShowConfig(program, *invocation);
  if (invocation->command == "audit") return ShowAudit(settings, &report);
  const auto options = ToServerOptions(settings);
  if (!options.ok()) return Fail(options.status(), CodeOf(options.status()), &report);
  if (settings.Bool("detached") && !report.detached()) {
    return RunInBackground(arguments, settings, &report);
  }
  RaiseDescriptorLimit();
  return RunInForeground(*invocation, surroundings, *options, &report);
}

}  // namespace immudb
