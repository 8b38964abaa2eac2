// SPDX-License-Identifier: Apache-2.0
#include "database/password.h"

#include <sodium.h>

#include <array>

#include "base/status_macros.h"
#include "database/random.h"

namespace immudb {

Result<std::string> HashPassword(std::string_view password) {
  IMMUDB_RETURN_IF_ERROR(InitRandom());
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str(text.data(), password.data(), password.size(),
                        crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    return Status::ResourceExhausted("not enough memory to hash a password");
  }
  return std::string(text.data());
}

bool PasswordMatches(const std::string& hash, std::string_view password) {
  return InitRandom().ok() &&
         crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

void SpendTimeOfPasswordMatch(std::string_view password) {
  // The hash of a random password that nobody kept.
  static const std::string nobody =
      "$argon2id$v=19$m=65536,t=2,p=1$KQijfpC681ODe8OYfBWi9g$CRG6qXGdKps9h2JgDnr3IeM/lOCx/"
      "X+drce0d5v2Y5g";
  static_cast<void>(PasswordMatches(nobody, password));
}

}  // namespace immudb
