// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "immudb/types.h"
#include "schema.pb.h"

namespace immudb {

// A server in memory, honest until it is told to lie: its past can be rewritten or cut off, and
// every verified answer can be altered on its way out. Proofs come from a recursive reference of
// RFC 6962. Thread-safe; hooks are to be set while no call runs, and may call the server's own
// functions.
class FakeServer {
 public:
  explicit FakeServer(std::string uuid = "9m4e2mr0ui3e8a215n4g");
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  int port() const;

  // Behind the back of all clients.
  void Append(const std::string& key, const std::string& value, bool reference = false);
  void Rewrite(uint64_t index, const std::string& value);
  void Truncate(size_t size);
  uint64_t size() const;
  Digest Root() const;

  // Applied to each answer of a Safe call; for writes only the proof counts.
  void Alter(std::function<void(schema::SafeItem*)> hook);
  // Applied to each History answer.
  void AlterHistory(std::function<void(schema::ItemList*)> hook);
  // Answers rootIndex beyond the end instead of refusing it.
  void IgnoreRootIndex();
  // The next `count` calls (not Health) end with this gRPC code.
  void FailNext(int count, int grpc_code, const std::string& message);
  // From now on calls (not Health) get no answer, and dumps end after their first message, until
  // Release().
  void Stall();
  void Release();
  // Calls that arrived (not Health).
  int calls() const;
  // The authorization metadata of the latest call.
  std::string authorization() const;

 private:
  class Service;
  struct Running;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Running> running_;
};

}  // namespace immudb
