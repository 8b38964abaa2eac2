// SPDX-License-Identifier: Apache-2.0
#include "tools/systemd_findings.h"

#include <fstream>
#include <regex>

#include "support/systemd_service.h"
#include "support/temp_dir.h"

namespace immudb::testing {

std::string SystemdFindings(const std::string& unit) {
  const TempDir directory;
  const std::string file = directory.File("verified.service");
  std::ofstream(file) << std::regex_replace(unit, std::regex("ExecStart=[^ \n]+"),
                                            "ExecStart=/bin/true");
  // It exits with 0 whatever it finds, and tells it on standard error; about other units of the
  // machine, too.
  const auto verified = ServiceSurroundings::OfProcess("").run(
      {"sh", "-c", "systemd-analyze verify --man=no " + file + " 2>&1 && echo verified"});
  if (!verified.ok()) return verified.status().ToString();
  if (!verified->output.ends_with("verified")) return "not verified: " + verified->output;
  return verified->output.find(file) == std::string::npos ? "" : verified->output;
}

}  // namespace immudb::testing
