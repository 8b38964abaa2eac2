// SPDX-License-Identifier: Apache-2.0
#include <langinfo.h>
#include <ncurses.h>
#include <unistd.h>

#include <chrono>
#include <clocale>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "immuadmin/stats/server_stats.h"
#include "immuadmin/stats/stats_history.h"
#include "immuadmin/stats/stats_source.h"
#include "immudb/status.h"

namespace immudb {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr size_t kSteps = 1000;
constexpr int kKeyPatienceMs = 100;
constexpr int kEscape = 27;

volatile std::sig_atomic_t stop_requested = 0;

// The terminal, given back as it was.
class Screen {
 public:
  Screen() {
    ::initscr();
    ::cbreak();
    ::noecho();
    ::keypad(stdscr, TRUE);
    ::set_escdelay(kKeyPatienceMs);
    ::curs_set(0);
    timeout(kKeyPatienceMs);
  }
  ~Screen() { ::endwin(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  static void Draw(const std::vector<std::string>& lines) {
    erase();
    for (size_t i = 0; i < lines.size(); ++i) {
      mvaddstr(static_cast<int>(i), 0, lines[i].c_str());
    }
    refresh();
  }
};

// Ends the screen on SIGTERM and SIGINT too, and then behaves as before.
class StopSignals {
 public:
  StopSignals() {
    stop_requested = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { stop_requested = 1; };
    ::sigaction(SIGINT, &action, &old_interrupt_);
    ::sigaction(SIGTERM, &action, &old_terminate_);
  }
  ~StopSignals() {
    ::sigaction(SIGINT, &old_interrupt_, nullptr);
    ::sigaction(SIGTERM, &old_terminate_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
};

// Asks the server now and then, so that keys are answered while it takes its time.
class Reader {
 public:
  explicit Reader(const StatsSource& source) : source_(source), thread_([this] { Run(); }) {}
  ~Reader() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // What came since the last time.
  std::optional<Result<ServerStats>> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(latest_, std::nullopt);
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      auto stats = FetchStats(source_);
      lock.lock();
      latest_ = std::move(stats);
      wake_.wait_for(lock, kInterval, [this] { return stopping_; });
    }
  }

  const StatsSource source_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Result<ServerStats>> latest_;  // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
  std::thread thread_;
};

}  // namespace

Status ShowStatsScreen(const StatsSource& source) {
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) {
    return Status::FailedPrecondition(
        "the full screen needs a terminal: use stats --text, --raw or --output json");
  }
  std::setlocale(LC_ALL, "");  // NOLINT(concurrency-mt-unsafe): no other thread runs yet
  const bool blocks =
      std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;  // NOLINT(concurrency-mt-unsafe)
  const std::string server = source.address + ":" + std::to_string(source.port);
  StatsHistory history(kSteps);
  std::string note = "asking " + server + "...";
  const StopSignals signals;
  Reader reader(source);
  const Screen screen;
  while (stop_requested == 0) {
    if (const auto news = reader.Take()) {
      note = news->ok() ? "" : news->status().message();
      if (news->ok()) history.Add(std::chrono::system_clock::now(), **news);
    }
    Screen::Draw(RenderStats(history, server, note, static_cast<size_t>(COLS),
                             static_cast<size_t>(LINES), blocks));
    const int key = getch();
    if (key == 'q' || key == kEscape) break;
  }
  return Status::Ok();
}

}  // namespace immudb
