// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "commands/command.h"
#include "support/systemd_service.h"

namespace immudb {

Command TlsCommand();
Command ServiceCommand();
Command StatsCommand();

// The immudb service of this machine, as `service install` makes it.
SystemdService InstalledService();

}  // namespace immudb
