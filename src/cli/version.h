// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace immudb {

// "immudb 0.1.0", and a line "Commit  : <id>" when the build was told one. No trailing newline.
std::string VersionText(std::string_view program);

}  // namespace immudb
