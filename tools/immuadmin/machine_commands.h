// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commands/command.h"

namespace immudb {

Command TlsCommand();
Command ServiceCommand();

}  // namespace immudb
