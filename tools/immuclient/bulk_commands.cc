// SPDX-License-Identifier: Apache-2.0
#include "immuclient/command_util.h"

namespace immudb {

std::vector<Command> BulkCommands() {
  return {};
}

}  // namespace immudb
