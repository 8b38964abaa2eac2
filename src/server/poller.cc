// SPDX-License-Identifier: Apache-2.0
#include "server/poller.h"

namespace immudb {

Poller::~Poller() {
  if (!stopped_) Stop();
}

void Poller::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Poller::Stop() {
  stopped_ = true;
  queue_->Shutdown();
  if (thread_.joinable()) {
    thread_.join();
  } else {
    Run();  // a queue must be drained before it goes, also one that nobody polled
  }
}

void Poller::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<Event*>(tag)->OnQueue(ok);
}

}  // namespace immudb
