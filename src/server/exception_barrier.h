// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "immudb/status.h"

namespace immudb {

// What the exception that is being handled means to the client. Logs what is a defect.
Status StatusOfCurrentException();

// Runs `body` and returns its status; an exception becomes an error, never the end of the process.
template <typename Body>
Status RunGuarded(const Body& body) {
  try {
    return body();
  } catch (...) {
    return StatusOfCurrentException();
  }
}

}  // namespace immudb
