// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string_view>
#include <thread>

namespace immudb {

// The signals to the daemon, taken by a thread of their own from the beginning to the end of its
// life. The first SIGTERM or SIGINT asks it to stop. Another one ends the process at once, with a
// line of the log and exit code 1: nothing that was acknowledged is lost, and the next start
// recovers, as after a crash. SIGHUP opens the log file again.
class StopSignals {
 public:
  // Blocks the signals in this thread and in all that it starts: to be called before there are
  // others. Also, a peer that goes away is an error of its connection only.
  static void Block();

  // Precondition: Block() was called, and the log is open.
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Waits for the first signal that stops the daemon, and returns its name.
  std::string_view Wait();

 private:
  void Run();
  void OnStop(int signal);

  std::mutex mutex_;
  std::condition_variable caught_;
  int signal_ = 0;  // the first one; guarded by mutex_

  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace immudb
