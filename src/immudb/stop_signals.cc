// SPDX-License-Identifier: Apache-2.0
#include "immudb/stop_signals.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "cli/exit_code.h"
#include "cli/logging.h"
#include "immudb/status.h"

namespace immudb {
namespace {

sigset_t OurSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGHUP);
  return signals;
}

std::string_view NameOf(int signal) {
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

void OpenLogAnew() {
  const Status reopened = ReopenLog();
  if (reopened.ok()) {
    spdlog::info("Caught SIGHUP: log file opened anew");
  } else {
    spdlog::error("Caught SIGHUP: {}", reopened.message());
  }
}

}  // namespace

void StopSignals::Block() {
  const sigset_t signals = OurSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

StopSignals::StopSignals() : thread_([this] { Run(); }) {}

StopSignals::~StopSignals() {
  done_ = true;
  ::pthread_kill(thread_.native_handle(), SIGHUP);
  thread_.join();
}

std::string_view StopSignals::Wait() {
  std::unique_lock lock(mutex_);
  caught_.wait(lock, [this] { return signal_ != 0; });
  return NameOf(signal_);
}

void StopSignals::Run() {
  const sigset_t signals = OurSignals();
  while (true) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (done_) return;
    if (signal == SIGHUP) {
      OpenLogAnew();
    } else {
      OnStop(signal);
    }
  }
}

void StopSignals::OnStop(int signal) {
  {
    const std::lock_guard lock(mutex_);
    if (signal_ == 0) {
      signal_ = signal;
      spdlog::info("Caught {}", NameOf(signal));
      caught_.notify_all();
      return;
    }
  }
  spdlog::critical("Caught {} again: ending at once; the next start recovers the databases",
                   NameOf(signal));
  FlushLog();
  std::_Exit(static_cast<int>(ExitCode::kFailed));
}

}  // namespace immudb
