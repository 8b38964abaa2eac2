// SPDX-License-Identifier: Apache-2.0
#include "monitoring/http_pages.h"

#include <chrono>
#include <new>
#include <thread>
#include <utility>

namespace immudb {
namespace {

constexpr std::chrono::milliseconds kPauseWithoutMemory{10};

// A reply that counts what it holds.
struct CountedReply {
  CountedReply(HttpReply content, std::shared_ptr<std::atomic<size_t>> counter)
      : reply(std::move(content)), held_bytes(std::move(counter)) {
    *held_bytes += reply.body.size();
  }
  ~CountedReply() { *held_bytes -= reply.body.size(); }
  CountedReply(const CountedReply&) = delete;
  CountedReply& operator=(const CountedReply&) = delete;

  const HttpReply reply;
  const std::shared_ptr<std::atomic<size_t>> held_bytes;
};

}  // namespace

HttpPages::HttpPages(std::map<std::string, HttpPage> pages, size_t max_bytes, Hooks hooks)
    : max_bytes_(max_bytes),
      hooks_(std::move(hooks)),
      held_bytes_(std::make_shared<std::atomic<size_t>>(0)),
      not_found_(
          std::make_shared<HttpReply>(HttpReply{.status = 404, .body = "404 page not found\n"})),
      failed_(std::make_shared<HttpReply>(
          HttpReply{.status = 500, .body = "500 this page cannot be made now\n"})) {
  for (auto& [path, page] : pages) entries_.emplace(path, Entry{.page = std::move(page)});
}

HttpPages::Entry* HttpPages::Find(std::string_view target) {
  auto it = entries_.find(target);
  if (it == entries_.end()) it = entries_.find(target.substr(0, target.find('?')));
  if (it == entries_.end()) it = entries_.find("*");
  return it == entries_.end() ? nullptr : &it->second;
}

void HttpPages::Ask(std::string_view target, const void* asker, Ready ready) {
  Entry* const entry = Find(target);
  if (entry == nullptr) return ready(not_found_);
  if (entry->page.lane == HttpLane::kAtOnce) return ready(Render(entry->page));
  entry->waiting.emplace(asker, std::move(ready));
  Begin(*entry);
}

void HttpPages::Forget(const void* asker) {
  for (auto& [path, entry] : entries_) {
    entry.waiting.erase(asker);
    entry.served.erase(asker);
  }
}

void HttpPages::Released() {
  making_room_ = false;
  for (auto& [path, entry] : entries_) Begin(entry);
}

std::shared_ptr<const HttpReply> HttpPages::Render(const HttpPage& page) {
  try {
    const auto counted = std::make_shared<CountedReply>(page.render(), held_bytes_);
    return {counted, &counted->reply};
  } catch (...) {
    return failed_;
  }
}

void HttpPages::Begin(Entry& entry) {
  if (entry.rendering || entry.waiting.empty()) return;
  const bool is_probe = entry.page.lane == HttpLane::kProbe;
  if (!is_probe && *held_bytes_ > max_bytes_) {
    if (!making_room_) making_room_ = hooks_.make_room();
    return;
  }
  (is_probe ? probes_ : pages_).Submit([this, &entry] { Deliver(entry, Render(entry.page)); });
  entry.rendering = true;
  entry.served.swap(entry.waiting);
}

// Those who wait for the page would wait for ever if it were lost on the way.
void HttpPages::Deliver(Entry& entry, const std::shared_ptr<const HttpReply>& reply) {
  for (;;) {
    try {
      return hooks_.post([this, &entry, reply] { End(entry, reply); });
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(kPauseWithoutMemory);
    }
  }
}

void HttpPages::End(Entry& entry, const std::shared_ptr<const HttpReply>& reply) {
  entry.rendering = false;
  const auto served = std::exchange(entry.served, {});
  for (const auto& [asker, ready] : served) ready(reply);
  Begin(entry);
}

}  // namespace immudb
