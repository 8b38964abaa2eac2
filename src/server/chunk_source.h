// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/message.h>

#include "immudb/status.h"

namespace immudb {

// What a streaming call answers, message by message. Used by one thread at a time.
class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  // Fills the next message, which comes empty; false if there is none left. An error ends the call.
  // Between two calls it MUST hold little memory and no iterator: the client may take hours.
  virtual Result<bool> Next(google::protobuf::Message& chunk) = 0;
};

}  // namespace immudb
