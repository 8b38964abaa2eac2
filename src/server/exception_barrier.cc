// SPDX-License-Identifier: Apache-2.0
#include "server/exception_barrier.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <new>

namespace immudb {

Status StatusOfCurrentException() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Status::ResourceExhausted("the server has not enough memory for this call");
  } catch (const std::exception& error) {
    spdlog::error("a call failed unexpectedly: {}", error.what());
  } catch (...) {
    spdlog::error("a call failed unexpectedly");
  }
  return Status::Internal("internal error");
}

}  // namespace immudb
