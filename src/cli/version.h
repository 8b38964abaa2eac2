// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace immudb {

// "immudb 0.1.0", then a line "Commit  : <id>" if the commit is known, and
// "Built at: Mon, 17 Aug 2020 10:00:00 UTC". No trailing newline.
std::string VersionText(std::string_view program);

// "0.1.0".
std::string_view VersionNumber();
// The day of the build, "2020-08-17".
std::string_view BuildDay();

}  // namespace immudb
