// SPDX-License-Identifier: Apache-2.0
#include "server/poller.h"

#include <utility>

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

void Poller::Post(Task* task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(task);
    if (std::exchange(waking_, true)) return;
  }
  alarm_.Set(queue_.get(), gpr_time_0(GPR_CLOCK_MONOTONIC), static_cast<Event*>(&wake_));
}

void Poller::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<Event*>(tag)->OnQueue(ok);
}

void Poller::Wake::OnQueue(bool /*ok*/) {
  {
    const std::lock_guard lock(poller_.mutex_);
    poller_.waking_ = false;
    poller_.running_.swap(poller_.posted_);
  }
  for (Task* task : poller_.running_) task->RunOnPoller();
  poller_.running_.clear();
}

}  // namespace immudb
