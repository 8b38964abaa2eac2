// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "immudb/export.h"

namespace immudb {

// What went wrong, as callers branch on it. The server maps each code to one gRPC code
// (src/server/status_mapping.h); the message is for people.
enum class StatusCode : uint8_t {
  kOk,
  kInvalidArgument,  // the request itself is wrong; sending it again cannot help
  kNotFound,         // the key, index or database does not exist
  kAlreadyExists,
  kPermissionDenied,
  kUnauthenticated,
  kFailedPrecondition,  // right request, wrong state (for example: no database selected)
  kResourceExhausted,   // a bound was met: queue, message size, disk space
  kUnavailable,         // closing, or the server cannot be reached; may be sent again
  kDataLoss,            // stored bytes are damaged, or a proof does not match: tampering
  kIoError,             // the operating system refused a read, write or sync
  kInternal,            // a defect of ours
  kUnknown,             // errors whose text is contract and whose code the original left open
};

// The name of a code, as it stands in logs ("NotFound").
IMMUDB_EXPORT std::string_view StatusCodeName(StatusCode code);

// The outcome of an operation: a code and, unless ok, a message that names what was wrong.
// A value type; safe to copy between threads.
class [[nodiscard]] IMMUDB_EXPORT Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return {}; }
  static Status InvalidArgument(std::string m) {
    return {StatusCode::kInvalidArgument, std::move(m)};
  }
  static Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status FailedPrecondition(std::string m) {
    return {StatusCode::kFailedPrecondition, std::move(m)};
  }
  static Status ResourceExhausted(std::string m) {
    return {StatusCode::kResourceExhausted, std::move(m)};
  }
  static Status Unavailable(std::string m) { return {StatusCode::kUnavailable, std::move(m)}; }
  static Status DataLoss(std::string m) { return {StatusCode::kDataLoss, std::move(m)}; }
  static Status IoError(std::string m) { return {StatusCode::kIoError, std::move(m)}; }
  static Status Internal(std::string m) { return {StatusCode::kInternal, std::move(m)}; }
  static Status Unknown(std::string m) { return {StatusCode::kUnknown, std::move(m)}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with "context: " in front of its message; ok stays ok.
  Status WithContext(std::string_view context) const;

  // "Ok", or "NotFound: Key not found".
  std::string ToString() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

// A value, or the Status that says why there is none. Reading the value of a failed Result is a
// defect (asserted in debug builds).
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    assert(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return *std::move(value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace immudb
