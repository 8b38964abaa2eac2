// SPDX-License-Identifier: Apache-2.0
//
// Where the immudb service keeps what, on each system: the one table of it.
#pragma once

#include <string>

namespace immudb {

struct ServicePlaces {
  const char* executable;
  const char* config_file;
  const char* data;  // made for user and group immu, who alone may look into it
  const char* logs;
  const char* pid_file;
  const char* script;  // unit or rc script
};

inline constexpr ServicePlaces kLinuxPlaces{
    "/usr/sbin/immudb", "/etc/immudb/immudb.toml",    "/var/lib/immudb",
    "/var/log/immudb",  "/var/lib/immudb/immudb.pid", "/etc/systemd/system/immudb.service"};
inline constexpr ServicePlaces kFreeBsdPlaces{"/usr/sbin/immudb",    "/etc/immudb/immudb.toml",
                                              "/var/lib/immudb",     "/var/log/immudb",
                                              "/var/run/immudb.pid", "/usr/local/etc/rc.d/immudb"};

// What a new service starts with. On FreeBSD daemon(8) keeps the pid file.
std::string ServiceConfig(const ServicePlaces& places);

// The rc script for FreeBSD. Untested: no such machine was at hand.
std::string FreeBsdRcScript();

}  // namespace immudb
