// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immudb/status.h"
#include "immudb/store.h"

namespace immudb {

// See Store::Verify.
Result<VerifyReport> VerifyStore(const std::string& directory, const VerifyOptions& options);

}  // namespace immudb
