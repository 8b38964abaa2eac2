// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "immudb/status.h"

namespace immudb {

// Must have succeeded once in the process before anything of libsodium is used. Cheap to repeat;
// thread-safe. kInternal if the system gives no randomness.
Status InitRandom();

// 32 random bytes as URL-safe base64 without padding (43 characters): a secret nobody can guess.
std::string RandomToken();

}  // namespace immudb
