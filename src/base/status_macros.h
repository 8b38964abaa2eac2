// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "immudb/status.h"

namespace immudb::internal {
inline const Status& AsStatus(const Status& status) {
  return status;
}
template <typename T>
const Status& AsStatus(const Result<T>& result) {
  return result.status();
}
}  // namespace immudb::internal

// Leaves the function with the error, if `expression` (a Status or a Result) is one.
#define IMMUDB_RETURN_IF_ERROR(expression)                                 \
  do {                                                                     \
    if (const auto& immudb_result_ = (expression); !immudb_result_.ok()) { \
      return ::immudb::internal::AsStatus(immudb_result_);                 \
    }                                                                      \
  } while (false)
