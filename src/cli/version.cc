// SPDX-License-Identifier: Apache-2.0
#include "cli/version.h"

namespace immudb {

std::string VersionText(std::string_view program) {
  constexpr std::string_view kCommit = IMMUDB_COMMIT;
  std::string text = std::string(program) + " " IMMUDB_VERSION;
  if (!kCommit.empty()) text += "\nCommit  : " + std::string(kCommit);
  return text;
}

}  // namespace immudb
