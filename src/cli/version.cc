// SPDX-License-Identifier: Apache-2.0
#include "cli/version.h"

#include "cli/build_info.h"  // generated, see cmake/build_info.cmake

namespace immudb {

std::string VersionText(std::string_view program) {
  std::string text(program);
  text += " " IMMUDB_VERSION;
  if (!kBuildCommit.empty()) text.append("\nCommit  : ").append(kBuildCommit);
  text.append("\nBuilt at: ").append(kBuildDate);
  return text;
}

std::string_view VersionNumber() {
  return IMMUDB_VERSION;
}

std::string_view BuildDay() {
  return kBuildDay;
}

}  // namespace immudb
