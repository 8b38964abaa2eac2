// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/option_table.h"

namespace immudb {

// The manual page of a program, section 1, in the man(7) language: what the option table says, and
// what all our programs have in common (files, exit codes). `date`: of the build, "2020-08-17".
// Hidden commands and defaults of secrets are left out.
std::string ManPage(const ProgramSpec& program, const std::string& version,
                    const std::string& date);

}  // namespace immudb
