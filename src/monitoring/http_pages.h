// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/thread_pool.h"

namespace immudb {

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
};

// Where a page is rendered.
enum class HttpLane : uint8_t {
  kAtOnce,  // on the thread that serves all connections: must not wait, lock or do I/O
  kProbe,   // on a thread for health pages
  kPage,    // on a thread for all that may take longer
};

// What stands at a path. `render` is called from one thread at a time; what it throws becomes
// a 500.
struct HttpPage {
  std::function<HttpReply()> render;
  HttpLane lane = HttpLane::kPage;
};

// The pages of an endpoint and the threads that render them. All that ask for a page before its
// rendering begins share the result, so that a page is rendered at most twice for however many ask
// at the same time. Used by one thread, the serving one; the destructor joins the others.
class HttpPages {
 public:
  using Ready = std::function<void(std::shared_ptr<const HttpReply>)>;
  struct Hooks {
    std::function<void(std::function<void()>)> post;  // run this on the serving thread; thread-safe
    std::function<bool()> make_room;  // let go of a reply; Released() follows, unless it is false
  };

  // Pages of lane kPage are not rendered while replies of more than `max_bytes` are held by those
  // who asked.
  HttpPages(std::map<std::string, HttpPage> pages, size_t max_bytes, Hooks hooks);

  // Calls `ready` with the page of `target` on the serving thread: within this call, or later
  // unless Forget(asker) comes first. An asker asks once at a time.
  void Ask(std::string_view target, const void* asker, Ready ready);
  void Forget(const void* asker);

  // To be called after a reply was let go.
  void Released();

 private:
  struct Entry {
    HttpPage page;
    std::map<const void*, Ready> waiting = {};  // for the next rendering
    std::map<const void*, Ready> served = {};   // by the rendering that runs
    bool rendering = false;
  };

  Entry* Find(std::string_view target);
  std::shared_ptr<const HttpReply> Render(const HttpPage& page);
  void Begin(Entry& entry);
  void Deliver(Entry& entry, const std::shared_ptr<const HttpReply>& reply);
  void End(Entry& entry, const std::shared_ptr<const HttpReply>& reply);

  const size_t max_bytes_;
  const Hooks hooks_;
  const std::shared_ptr<std::atomic<size_t>> held_bytes_;
  const std::shared_ptr<const HttpReply> not_found_;
  const std::shared_ptr<const HttpReply> failed_;
  std::map<std::string, Entry, std::less<>> entries_;
  bool making_room_ = false;
  ThreadPool probes_{1};  // the pools are last: their tasks use all the others
  ThreadPool pages_{1};
};

}  // namespace immudb
