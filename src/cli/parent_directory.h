// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immudb/status.h"

namespace immudb {

// Makes the directory that `path` lies in, with mode 0755, if it is missing. One level only: a
// mistyped path must not grow a tree. kIoError names the directory.
Status MakeParentDirectory(const std::string& path);

}  // namespace immudb
