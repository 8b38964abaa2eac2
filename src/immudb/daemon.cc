// SPDX-License-Identifier: Apache-2.0
#include "immudb/daemon.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <string_view>

#include "cli/exit_code.h"
#include "cli/logging.h"
#include "cli/prompt.h"
#include "cli/version.h"
#include "immudb/daemon_options.h"
#include "immudb/start_block.h"
#include "server/grpc_log.h"

namespace immudb {
namespace {

constexpr std::chrono::milliseconds kShutdownGrace{5000};

int Fail(const Status& status, ExitCode code) {
  std::cerr << "immudb: " << status.message() << std::endl;
  return static_cast<int>(code);
}

// SIGTERM and SIGINT, blocked in this thread and in all that it starts, so that one place gets
// them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a peer that goes away is an error of that connection only
  return signals;
}

std::string_view WaitForStopSignal(const sigset_t& signals) {
  int signal = 0;
  while (::sigwait(&signals, &signal) != 0) {
  }
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

void StartLog(const Surroundings& surroundings, const std::vector<std::string>& warnings) {
  const auto level = surroundings.environment.find("LOG_LEVEL");
  const Status started =
      StartLogging("immudb ", level == surroundings.environment.end() ? "" : level->second);
  if (!started.ok()) spdlog::warn("{}", started.message());
  RouteGrpcLog();
  for (const auto& warning : warnings) spdlog::warn("{}", warning);
}

int Serve(const ServerOptions& options, const Settings& settings) {
  const sigset_t signals = BlockStopSignals();
  auto server = Server::Start(options);
  if (!server.ok()) return Fail(server.status(), ExitCode::kFailed);
  std::cout << StartBlock(options, (*server)->port(), settings.config_file())
            << ReadyLine(UseColour(STDOUT_FILENO)) << std::flush;
  spdlog::info("Caught {}", WaitForStopSignal(signals));
  const Status closed = (*server)->Shutdown(kShutdownGrace);
  if (!closed.ok()) return Fail(closed, ExitCode::kFailed);
  spdlog::info("Shutdown completed");
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace

int RunDaemon(const std::vector<std::string>& arguments) {
  const ProgramSpec program = DaemonProgram();
  const auto surroundings = Surroundings::OfProcess();
  const auto invocation = ParseCommandLine(program, arguments, surroundings);
  if (!invocation.ok()) {
    const bool usage = invocation.status().code() == StatusCode::kInvalidArgument;
    return Fail(invocation.status(), usage ? ExitCode::kUsage : ExitCode::kFailed);
  }
  if (invocation->help || invocation->version) {
    std::cout << (invocation->help ? HelpText(program) : VersionText("immudb") + "\n");
    return static_cast<int>(ExitCode::kDone);
  }
  StartLog(surroundings, invocation->warnings);
  const auto options = ToServerOptions(invocation->settings);
  if (!options.ok()) return Fail(options.status(), ExitCode::kUsage);
  return Serve(*options, invocation->settings);
}

}  // namespace immudb
