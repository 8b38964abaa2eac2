// SPDX-License-Identifier: Apache-2.0
#include "database/random.h"

#include <sodium.h>

#include <array>

namespace immudb {

Status InitRandom() {
  return sodium_init() < 0 ? Status::Internal("cannot initialise libsodium") : Status::Ok();
}

std::string RandomToken() {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::array<unsigned char, 32> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, sodium_base64_ENCODED_LEN(bytes.size(), kVariant)> text;
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
  sodium_memzero(bytes.data(), bytes.size());
  return text.data();
}

}  // namespace immudb
