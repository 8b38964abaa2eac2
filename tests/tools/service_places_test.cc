// SPDX-License-Identifier: Apache-2.0
#include "immuadmin/service_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "immuadmin/machine_commands.h"
#include "support/systemd_service.h"
#include "support/temp_dir.h"
#include "tools/systemd_findings.h"

namespace immudb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The tables of the project's first README.
TEST(ServicePlaces, AreWhereOperatorsLookForThem) {
  for (const ServicePlaces& places : {kLinuxPlaces, kFreeBsdPlaces}) {
    EXPECT_EQ(std::string(places.config_file), "/etc/immudb/immudb.toml");
    EXPECT_EQ(std::string(places.data), "/var/lib/immudb");
    EXPECT_EQ(std::string(places.logs), "/var/log/immudb");
  }
  EXPECT_EQ(std::string(kLinuxPlaces.pid_file), "/var/lib/immudb/immudb.pid");
  EXPECT_EQ(std::string(kFreeBsdPlaces.pid_file), "/var/run/immudb.pid");
}

TEST(ServicePlaces, ConfigurationNamesThem) {
  const std::string config = ServiceConfig(kLinuxPlaces);
  EXPECT_THAT(config, HasSubstr("dir = \"/var/lib/immudb\"\n"));
  EXPECT_THAT(config, HasSubstr("pidfile = \"/var/lib/immudb/immudb.pid\"\n"));
  EXPECT_THAT(config, HasSubstr("auth = true\n"));
  EXPECT_THAT(ServiceConfig(kFreeBsdPlaces), Not(HasSubstr("pidfile")));
}

TEST(ServicePlaces, SystemdFindsNothingWrongWithTheUnitOfTheDaemon) {
  const std::string unit = InstalledService().Unit(true, true);
  EXPECT_THAT(unit, HasSubstr("\nExecStart=/usr/sbin/immudb --config /etc/immudb/immudb.toml\n"));
  EXPECT_EQ(testing::SystemdFindings(unit), "");
}

// No FreeBSD is at hand: at least a shell understands it.
TEST(FreeBsdRcScript, IsAShellScriptThatSaysThatItIsUntested) {
  const std::string script = FreeBsdRcScript();
  EXPECT_THAT(script, HasSubstr("Untested"));
  EXPECT_THAT(script, HasSubstr("pidfile=\"/var/run/immudb.pid\"\n"));
  EXPECT_THAT(script, HasSubstr("run_rc_command \"$1\"\n"));
  const testing::TempDir directory;
  const std::string file = directory.File("immudb");
  std::ofstream(file) << script;
  EXPECT_EQ(std::system(("sh -n " + file).c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace
}  // namespace immudb
