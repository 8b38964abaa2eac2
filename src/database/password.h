// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

#include "immudb/status.h"

namespace immudb {

// Argon2id with libsodium's "interactive" cost: some tens of milliseconds and 64 MiB a run. One run
// at a time, whoever asks, so that is all the memory that passwords ever take. Between two runs the
// address space is reserved: a process that is close to its limit can still check a password.
// Thread-safe; never to be called from a thread that others wait for. Virtual, so that tests can
// have it fail.
class PasswordHasher {
 public:
  PasswordHasher();
  virtual ~PasswordHasher();
  PasswordHasher(const PasswordHasher&) = delete;
  PasswordHasher& operator=(const PasswordHasher&) = delete;

  // The text to store: algorithm, cost, salt and hash. kResourceExhausted if there is no memory.
  virtual Result<std::string> Hash(std::string_view password);

  // True if the password belongs to this text of Hash(). A malformed text matches nothing.
  // kResourceExhausted if there was no memory to tell: then the password may be right.
  virtual Result<bool> Matches(const std::string& hash, std::string_view password);

  // Takes as long as Matches(), and fails like it: for users that do not exist, so that neither
  // time nor kind of the answer tells that.
  Status SpendTimeOfMatch(std::string_view password);

 private:
  // What a run gets from the system; given back to it while Argon2 asks for its memory.
  class Reserve {
   public:
    void Take();
    void Release();

   private:
    void* begin_ = nullptr;  // null: nothing is reserved
  };

  std::mutex mutex_;  // held during a run
  Reserve reserve_;   // guarded by mutex_
};

}  // namespace immudb
