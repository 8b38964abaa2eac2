// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "immudb/status.h"

namespace immudb {

// How every program of ours ends.
enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kVerificationFailed = 3,  // tampering, or a proof that cannot be checked
  kNotFound = 4,
  kNotPermitted = 5,  // not authenticated, or lacking the permission
  kUnreachable = 6,
};

// The exit code for an error that came from a server. kInvalidArgument is kFailed here: it is the
// command line's own check that says kUsage.
constexpr ExitCode ExitCodeFor(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return ExitCode::kDone;
    case StatusCode::kDataLoss:
      return ExitCode::kVerificationFailed;
    case StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case StatusCode::kUnauthenticated:
    case StatusCode::kPermissionDenied:
      return ExitCode::kNotPermitted;
    case StatusCode::kUnavailable:
      return ExitCode::kUnreachable;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace immudb
