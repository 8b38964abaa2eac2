// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immudb/status.h"

namespace immudb {

struct SecretFile {
  std::string text;
  bool open_to_others = false;  // every user of this machine may read the file
};

// The password in a file: its content without one newline at the end; "enc:" and base64 is decoded.
// May be a pipe. kFailedPrecondition, naming the file and never its content: it cannot be read, is
// empty, longer than 4096 bytes, or not base64.
Result<SecretFile> ReadSecretFile(const std::string& path);

}  // namespace immudb
