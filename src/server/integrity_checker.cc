// SPDX-License-Identifier: Apache-2.0
#include "server/integrity_checker.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/printable.h"
#include "database/database_name.h"
#include "immudb/types.h"
#include "server/exception_barrier.h"
#include "vlog/frame.h"

namespace immudb {
namespace {

constexpr int kNice = 10;
constexpr int kIdlePartsOfBusy = 4;  // a fifth of a core
constexpr std::chrono::seconds kSaveInterval{20};

std::string DamageText(const Damage& damage) {
  std::string text = damage.file + ", offset " + std::to_string(damage.offset);
  if (damage.index) text += ", entry index " + std::to_string(damage.index->value);
  if (!damage.key.empty()) text += ", key \"" + Printable(damage.key) + '"';
  return text + ": " + damage.what;
}

}  // namespace

IntegrityChecker::IntegrityChecker(Databases& databases, IntegrityCheckerOptions options)
    : databases_(databases), options_(std::move(options)), thread_([this] { Run(); }) {}

IntegrityChecker::~IntegrityChecker() {
  Stop();
}

void IntegrityChecker::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

IntegrityChecker::Figures IntegrityChecker::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

bool IntegrityChecker::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

bool IntegrityChecker::Wait(Clock::duration time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

void IntegrityChecker::Run() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
  spdlog::info("Starting consistency-checker");
  Place from = Load();
  while (!stopping()) {
    const auto begin = Clock::now();
    const Status passed = RunGuarded([&] {
      RunPass(from);
      return Status::Ok();
    });
    if (!passed.ok()) spdlog::error("integrity check: {}", passed.ToString());
    from = {};
    if (!Wait(options_.interval -
              std::min<Clock::duration>(Clock::now() - begin, options_.interval))) {
      return;
    }
  }
}

void IntegrityChecker::RunPass(const Place& from) {
  const auto begin = Clock::now();
  pass_not_opened_ = 0;
  pass_troubles_ = 0;
  std::vector<std::string> names = databases_.Names();
  names.insert(names.begin(), std::string(kSystemDatabase));
  // One that is gone: then all anew.
  const auto found = std::ranges::find(names, from.database);
  auto number = found == names.end() ? size_t{0} : static_cast<size_t>(found - names.begin());
  for (; number < names.size() && !stopping(); ++number) {
    CheckDatabase(names[number],
                  names[number] == from.database ? from.mark : IntegrityCheck::Mark(), number,
                  names.size());
  }
  if (stopping()) return;
  const auto time = Clock::now() - begin;
  Save({});
  {
    const std::lock_guard lock(mutex_);
    ++figures_.passes;
    figures_.not_opened = pass_not_opened_;
    figures_.troubles = pass_troubles_;
    figures_.progress = 0;
    figures_.database.clear();
    figures_.last_pass = time;
    figures_.last_pass_end = std::chrono::system_clock::now();
  }
  spdlog::debug("integrity check: a pass over {} databases took {} ms", names.size(),
                std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

void IntegrityChecker::CheckDatabase(const std::string& name, const IntegrityCheck::Mark& from,
                                     size_t number, size_t count) {
  if (name == kSystemDatabase) {
    return CheckStore(name, databases_.system_store(), from, number, count);
  }
  const auto database = databases_.Find(name);
  if (database == nullptr) return;
  const auto begin = Clock::now();
  const Status opened = databases_.Visit(*database, [&](const Store& store) {
    Pace(Clock::now() - begin, 0);
    CheckStore(name, store, from, number, count);
  });
  if (opened.ok()) return;
  ++pass_not_opened_;
  spdlog::error("integrity check: database {} cannot be looked at: {}", name, opened.message());
  if (opened.code() != StatusCode::kDataLoss) return;
  const std::lock_guard lock(mutex_);
  ++figures_.damages;
}

void IntegrityChecker::CheckStore(const std::string& name, const Store& store,
                                  const IntegrityCheck::Mark& from, size_t number, size_t count) {
  IntegrityCheck check(store, from);
  for (bool done = false; !done && !stopping();) {
    const auto begin = Clock::now();
    const IntegrityCheck::Step step = check.Advance();
    done = step.done;
    Take(name, step);
    {
      const std::lock_guard lock(mutex_);
      figures_.database = name;
      figures_.progress =
          (static_cast<double>(number) + check.progress()) / static_cast<double>(count);
    }
    if (begin - saved_at_ >= kSaveInterval) Save({name, check.mark()});
    Pace(Clock::now() - begin, step.bytes);
  }
  if (stopping()) Save({name, check.mark()});
}

void IntegrityChecker::Take(const std::string& name, const IntegrityCheck::Step& step) {
  {
    const std::lock_guard lock(mutex_);
    figures_.entries += step.entries;
    figures_.bytes += step.bytes;
    figures_.damages += step.damage_count;
    figures_.read_errors += step.read_error_count;
  }
  pass_troubles_ += step.read_error_count;
  for (const Status& error : step.read_errors) {
    spdlog::error("integrity check: database {}: {}", name, error.message());
  }
  for (const Damage& damage : step.damages) {
    spdlog::error("integrity check: database {} is damaged: {}", name, DamageText(damage));
  }
  if (step.damages.empty()) return;
  if (const Status set = databases_.SetTampered(name, step.damages.front()); !set.ok()) {
    spdlog::error("the damage of database {} could not be recorded: {}", name, set.message());
  }
}

void IntegrityChecker::Pace(Clock::duration busy, uint64_t bytes) {
  if (options_.bytes_per_second == 0) return;
  const std::chrono::duration<double> disk_share(static_cast<double>(bytes) /
                                                 static_cast<double>(options_.bytes_per_second));
  Wait(std::max(busy * kIdlePartsOfBusy,
                std::chrono::duration_cast<Clock::duration>(disk_share) - busy));
}

IntegrityChecker::Place IntegrityChecker::Load() const {
  FileSystem& fs = FileSystem::Real();
  const auto exists = fs.Exists(options_.state_file);
  if (!exists.ok() || !*exists) return {};
  const auto text = ReadFile(fs, options_.state_file);
  if (!text.ok()) return {};
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  try {
    return {
        .database = json.at("database"),
        .mark = {.next = {json.at("next").get<uint64_t>()},
                 .at = {json.at("segment").get<uint32_t>(), json.at("offset").get<uint64_t>()}}};
  } catch (const nlohmann::json::exception&) {
    return {};  // then all anew
  }
}

void IntegrityChecker::Save(const Place& place) {
  saved_at_ = Clock::now();
  const nlohmann::json json = {{"database", place.database},
                               {"next", place.mark.next.value},
                               {"segment", place.mark.at.segment},
                               {"offset", place.mark.at.offset}};
  const Status saved = ReplaceFile(FileSystem::Real(), options_.state_file, json.dump() + '\n');
  if (!saved.ok()) spdlog::warn("integrity check: {}", saved.message());
}

}  // namespace immudb
