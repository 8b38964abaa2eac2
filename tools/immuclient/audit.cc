// SPDX-License-Identifier: Apache-2.0
#include "immuclient/audit.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string_view>
#include <thread>
#include <utility>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "cli/exit_code.h"
#include "cli/logging.h"
#include "cli/pid_file.h"
#include "client/audit_metrics.h"
#include "client/audit_source.h"
#include "immudb/client.h"
#include "monitoring/http_endpoint.h"
#include "monitoring/metrics.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

using std::chrono::milliseconds;

constexpr std::array kActions = {"start", "install", "uninstall", "restart", "stop", "status"};
constexpr milliseconds kDetachedPatience{30000};
constexpr milliseconds kCallTimeout{10000};

int Fail(const AuditCall& call, const Status& status, ExitCode code) {
  call.report.Failed(status.message());
  call.err << status.message() << std::endl;
  return static_cast<int>(code);
}

ExitCode CodeOf(AuditVerdict verdict) {
  switch (verdict) {
    case AuditVerdict::kTampered:
      return ExitCode::kVerificationFailed;
    case AuditVerdict::kUnreachable:
      return ExitCode::kUnreachable;
    case AuditVerdict::kNotPermitted:
      return ExitCode::kNotPermitted;
    case AuditVerdict::kFailed:
      return ExitCode::kFailed;
    default:
      return ExitCode::kDone;
  }
}

std::string_view NameOf(AuditVerdict verdict) {
  switch (verdict) {
    case AuditVerdict::kNothing:
      return "nothing to compare yet";
    case AuditVerdict::kConsistent:
      return "consistent";
    case AuditVerdict::kTampered:
      return "TAMPERED";
    case AuditVerdict::kNotPermitted:
      return "not permitted";
    case AuditVerdict::kUnreachable:
      return "unreachable";
    default:
      return "failed";
  }
}

sigset_t BlockSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void WaitForStopSignal(const sigset_t& signals) {
  for (int signal = 0; signal != SIGTERM && signal != SIGINT;) {
    if (::sigwait(&signals, &signal) != 0 || signal != SIGHUP) continue;
    const Status reopened = ReopenLog();
    if (!reopened.ok()) spdlog::error("Caught SIGHUP: {}", reopened.message());
  }
}

Status StartLog(const AuditCall& call) {
  const Settings& settings = call.invocation.settings;
  const auto level = call.surroundings.environment.find("LOG_LEVEL");
  Status started =
      StartLogging({.prefix = "immuclientd ",
                    .level = level == call.surroundings.environment.end() ? "" : level->second,
                    .file = settings.Text("logfile"),
                    .json = settings.Text("log-format") == "json",
                    .take_standard_streams = call.report.detached()});
  if (started.code() == StatusCode::kIoError) return started;
  if (!started.ok()) spdlog::warn("{}", started.message());
  return Status::Ok();
}

Auditor::Dial DialOf(const ClientOptions& connection) {
  return [connection] { return DialAuditSource(connection); };
}

int RunOnce(const AuditCall& call, const AuditorOptions& options, const ClientOptions& connection) {
  StoppableClock clock;
  const RoundReport report =
      Auditor(options, DialOf(connection), FileSystem::Real(), clock).RunRound();
  for (const auto& database : report.databases) {
    call.out << database.database << ": " << NameOf(database.verdict);
    if (!database.status.ok()) call.out << ": " << database.status.message();
    call.out << '\n';
  }
  call.out.flush();
  if (!report.status.ok()) call.err << report.status.message() << std::endl;
  return static_cast<int>(CodeOf(report.verdict));
}

// A password that is wrong now will be wrong in a minute; a server that is away may come back.
Status CheckLogin(const AuditorOptions& options, const ClientOptions& connection) {
  if (options.user.empty()) return Status::Ok();
  const auto source = DialAuditSource(connection);
  if (!source.ok()) {
    spdlog::warn("the login is not tried yet: {}", source.status().message());
    return Status::Ok();
  }
  const Status login = (*source)->Login(options.user, options.password);
  const bool refused = VerdictOf(login) == AuditVerdict::kNotPermitted;
  return refused ? login.WithContext("Invalid login operation") : Status::Ok();
}

Status Serve(const AuditCall& call, const AuditorOptions& options, const ClientOptions& connection,
             const sigset_t& signals) {
  const Settings& settings = call.invocation.settings;
  std::unique_ptr<PidFile> pid_file;
  if (const std::string& path = settings.Text("pidfile"); !path.empty()) {
    auto prepared = PidFile::Prepare(path);
    IMMUDB_RETURN_IF_ERROR(prepared);
    pid_file = *std::move(prepared);
  }
  IMMUDB_RETURN_IF_ERROR(CheckLogin(options, connection));
  MetricsRegistry registry;
  registry.AddSource(ProcessMetrics());
  AuditMetrics metrics(registry, options.address);
  const auto endpoint =
      HttpEndpoint::Start({.address = settings.Text("prometheus-host"),
                           .port = static_cast<int>(settings.Int("prometheus-port"))},
                          {{"*", {[&registry] {
                              return HttpReply{.status = 200,
                                               .content_type = MetricsRegistry::kContentType,
                                               .body = registry.Text()};
                            }}}});
  if (!endpoint.ok()) return endpoint.status().WithContext("options prometheus-host, -port");
  if (pid_file != nullptr) IMMUDB_RETURN_IF_ERROR(pid_file->Write());
  call.out << GoDuration(options.interval) << "\nBeginning to serve on port "
           << settings.Text("prometheus-host") << ':' << (*endpoint)->port() << " " << std::endl;
  call.report.Serving();

  StoppableClock clock;
  Auditor auditor(options, DialOf(connection), FileSystem::Real(), clock);
  std::thread rounds(
      [&] { auditor.Run([&metrics](const RoundReport& report) { metrics.Update(report); }); });
  WaitForStopSignal(signals);
  clock.Stop();
  rounds.join();
  return Status::Ok();
}

int RunInBackground(const AuditCall& call) {
  if (call.invocation.settings.Text("logfile").empty()) {
    call.err << "audit-mode: detached without a logfile: what it logs is lost" << std::endl;
  }
  const auto pid = StartDetached(call.arguments, kDetachedPatience);
  if (!pid.ok()) return Fail(call, pid.status(), ExitCode::kFailed);
  call.out << StartedLine(ExecutableName(), *pid, false) << std::flush;
  return static_cast<int>(ExitCode::kDone);
}

int RunAuditor(const AuditCall& call) {
  const Settings& settings = call.invocation.settings;
  const auto options = ToAuditorOptions(settings, call.surroundings);
  if (!options.ok()) {
    const bool usage = options.status().code() == StatusCode::kInvalidArgument;
    return Fail(call, options.status(), usage ? ExitCode::kUsage : ExitCode::kFailed);
  }
  auto connection = ToClientOptions(settings);
  if (!connection.ok()) return Fail(call, connection.status(), ExitCode::kUsage);
  connection->call_timeout = kCallTimeout;
  const bool once = settings.Bool("once");
  if (settings.Bool("detached") && !once && !call.report.detached()) return RunInBackground(call);

  const sigset_t signals = once ? sigset_t{} : BlockSignals();
  const Status logging = StartLog(call);
  if (!logging.ok()) return Fail(call, logging, ExitCode::kFailed);
  if (once) return RunOnce(call, *options, *connection);
  const Status served = Serve(call, *options, *connection, signals);
  if (served.ok()) return static_cast<int>(ExitCode::kDone);
  const bool refused = VerdictOf(served) == AuditVerdict::kNotPermitted;
  return Fail(call, served.WithContext("Initialization failed"),
              refused ? ExitCode::kNotPermitted : ExitCode::kFailed);
}

}  // namespace

std::string GoDuration(milliseconds duration) {
  if (duration < milliseconds(1000)) return std::to_string(duration.count()) + "ms";
  const int64_t all_seconds = duration.count() / 1000;
  std::string text;
  if (all_seconds >= 3600) text += std::to_string(all_seconds / 3600) + 'h';
  if (all_seconds >= 60) text += std::to_string(all_seconds / 60 % 60) + 'm';
  text += std::to_string(all_seconds % 60);
  if (const int64_t rest = duration.count() % 1000; rest != 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    digits.resize(digits.find_last_not_of('0') + 1);
    text += '.';
    text += digits;
  }
  return text += 's';
}

int RunAuditMode(const AuditCall& call) {
  const auto& arguments = call.invocation.arguments;
  if (arguments.empty()) return RunAuditor(call);
  const std::string& action = arguments.front();
  if (action == "help") {
    call.out << "immuclient audit-mode                run the auditor until it is stopped\n"
                "immuclient audit-mode --once         one round; exit code 0 consistent, "
                "3 tampering, 5 not permitted, 6 unreachable\n"
                "immuclient audit-mode --detached     in the background\n"
                "immuclient audit-mode install        as a service of this machine; then start, "
                "stop, restart, status, uninstall\n";
    return static_cast<int>(ExitCode::kDone);
  }
  if (std::ranges::find(kActions, action) == kActions.end()) {
    return Fail(call,
                Status::InvalidArgument("ERROR: " + action +
                                        " is not matching with any valid arguments.\n Available "
                                        "list is [start install uninstall restart stop status "
                                        "help] "),
                ExitCode::kUsage);
  }
  return RunAuditService(call, action);
}

}  // namespace immudb
