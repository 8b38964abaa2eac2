// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

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

  // What other threads give back to this one.
  class Task {
   public:
    virtual ~Task() = default;
    virtual void RunOnPoller() = 0;
  };

  explicit Poller(std::unique_ptr<grpc::ServerCompletionQueue> queue) : queue_(std::move(queue)) {}
  ~Poller();  // stops
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  grpc::ServerCompletionQueue* queue() const { return queue_.get(); }

  void Start();
  // Joins the thread. Precondition: no operation will be started on the queue any more. Not twice.
  void Stop();

  // Has `task` run by the poller, soon. Any thread; must not be called once Stop() was. What comes
  // while the poller is not awake yet wakes it only once: the commit of a group costs one wake-up.
  void Post(Task* task);

 private:
  class Wake final : public Event {
   public:
    explicit Wake(Poller& poller) : poller_(poller) {}
    void OnQueue(bool ok) override;

   private:
    Poller& poller_;
  };

  void Run();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  bool stopped_ = false;
  Wake wake_{*this};

  std::mutex mutex_;
  std::vector<Task*> posted_;  // guarded by mutex_
  bool waking_ = false;        // guarded by mutex_; the alarm is set
  grpc::Alarm alarm_;          // set by who turns waking_ on
  std::vector<Task*> running_;  // of the poller thread only
};

}  // namespace immudb
