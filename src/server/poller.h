// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/completion_queue.h>

#include <memory>
#include <thread>
#include <utility>

namespace immudb {

// A completion queue and the one thread that polls it.
class Poller {
 public:
  // What a tag of the queue points to.
  class Event {
   public:
    virtual ~Event() = default;
    // The operation is finished; `ok` as in CompletionQueue::Next. May delete the event.
    virtual void OnQueue(bool ok) = 0;
  };

  explicit Poller(std::unique_ptr<grpc::ServerCompletionQueue> queue) : queue_(std::move(queue)) {}
  ~Poller();  // stops
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  grpc::ServerCompletionQueue* queue() const { return queue_.get(); }

  void Start();
  // Joins the thread. Precondition: no operation will be started on the queue any more. Not twice.
  void Stop();

 private:
  void Run();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  bool stopped_ = false;
};

}  // namespace immudb
