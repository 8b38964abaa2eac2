// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/service_places.h"

#include <fmt/format.h>

namespace immudb {

std::string ServiceConfig(const ServicePlaces& places) {
  const bool own_pid_file = &places == &kLinuxPlaces;
  return fmt::format(
      "# The immudb service of this machine. Restart it after a change.\n"
      "dir = \"{data}\"\n"
      "address = \"0.0.0.0\"\n"
      "port = 3322\n"
      "auth = true\n"
      "logfile = \"{logs}/immudb.log\"\n"
      "{pid}"
      "\n"
      "# TLS: make the files with `immuadmin tls init --out /etc/immudb/mtls NAME`, readable by\n"
      "# group immu.\n"
      "# mtls = true\n"
      "# certificate = \"/etc/immudb/mtls/3_application/certs/NAME.cert.pem\"\n"
      "# pkey = \"/etc/immudb/mtls/3_application/private/NAME.key.pem\"\n"
      "# clientcas = \"/etc/immudb/mtls/2_intermediate/certs/ca-chain.cert.pem\"\n",
      fmt::arg("data", places.data), fmt::arg("logs", places.logs),
      fmt::arg("pid", own_pid_file ? fmt::format("pidfile = \"{}\"\n", places.pid_file) : ""));
}

std::string FreeBsdRcScript() {
  const ServicePlaces& places = kFreeBsdPlaces;
  return fmt::format(R"(#!/bin/sh
#
# immudb for FreeBSD, to be put at {script} (mode 0555). Untested.
# In rc.conf: immudb_enable="YES"
#
# PROVIDE: immudb
# REQUIRE: DAEMON NETWORKING
# KEYWORD: shutdown

. /etc/rc.subr

name="immudb"
rcvar="immudb_enable"

load_rc_config $name
: ${{immudb_enable:="NO"}}
: ${{immudb_runas:="immu"}}
: ${{immudb_config:="{config}"}}

pidfile="{pid}"
procname="{executable}"
command="/usr/sbin/daemon"
command_args="-f -p ${{pidfile}} -u ${{immudb_runas}} ${{procname}} --config ${{immudb_config}}"
required_files="${{immudb_config}}"
start_precmd="immudb_prestart"

immudb_prestart()
{{
	install -d -m 0750 -o "${{immudb_runas}}" {data} {logs}
}}

run_rc_command "$1"
)",
                     fmt::arg("script", places.script), fmt::arg("config", places.config_file),
                     fmt::arg("pid", places.pid_file), fmt::arg("executable", places.executable),
                     fmt::arg("data", places.data), fmt::arg("logs", places.logs));
}

}  // namespace immudb
