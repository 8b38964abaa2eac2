// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace immudb {

// tools/mtls/generate.sh, for bash.
extern const char kTlsScript[];

}  // namespace immudb
