// SPDX-License-Identifier: Apache-2.0
#include "database/password.h"

#include <sodium.h>
#include <sys/mman.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "base/status_macros.h"
#include "database/random.h"

namespace immudb {
namespace {

// What a run maps, and some more for what it allocates besides.
constexpr size_t kReservedBytes = crypto_pwhash_MEMLIMIT_INTERACTIVE + (size_t{1} << 20);

// The hash of a random password that nobody kept.
constexpr char kHashOfNobody[] =
    "$argon2id$v=19$m=65536,t=2,p=1$KQijfpC681ODe8OYfBWi9g$CRG6qXGdKps9h2JgDnr3IeM/lOCx/"
    "X+drce0d5v2Y5g";

// What a text of Hash() says: "$argon2id$v=19$m=65536,t=2,p=1$<salt>$<hash>".
struct StoredHash {
  uint64_t operations = 0;
  uint64_t memory_kib = 0;
  std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  std::array<unsigned char, 32> hash{};
};

bool Take(std::string_view expected, std::string_view& text) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool TakeNumber(std::string_view& text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

template <typename Bytes>
bool Decode(std::string_view base64, Bytes& bytes) {
  size_t size = 0;
  return sodium_base642bin(bytes.data(), bytes.size(), base64.data(), base64.size(), nullptr, &size,
                           nullptr, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
         size == bytes.size();
}

std::optional<StoredHash> Parse(std::string_view text) {
  StoredHash stored;
  if (!Take("$argon2id$v=19$m=", text) || !TakeNumber(text, stored.memory_kib) ||
      !Take(",t=", text) || !TakeNumber(text, stored.operations) || !Take(",p=1$", text)) {
    return std::nullopt;
  }
  const size_t end_of_salt = text.find('$');
  if (end_of_salt == std::string_view::npos || !Decode(text.substr(0, end_of_salt), stored.salt) ||
      !Decode(text.substr(end_of_salt + 1), stored.hash)) {
    return std::nullopt;
  }
  // It never costs more than a new one.
  const bool affordable = stored.memory_kib <= crypto_pwhash_MEMLIMIT_INTERACTIVE / 1024 &&
                          stored.operations <= crypto_pwhash_OPSLIMIT_INTERACTIVE;
  return affordable ? std::optional(stored) : std::nullopt;
}

Status OutOfMemory() {
  return Status::ResourceExhausted("not enough memory to hash a password, try again later");
}

}  // namespace

void PasswordHasher::Reserve::Take() {
  if (begin_ != nullptr) return;
  void* begin = ::mmap(nullptr, kReservedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);  // untouched: no memory, only a promise
  if (begin != MAP_FAILED) begin_ = begin;
}

void PasswordHasher::Reserve::Release() {
  if (begin_ != nullptr) ::munmap(begin_, kReservedBytes);
  begin_ = nullptr;
}

PasswordHasher::PasswordHasher() {
  reserve_.Take();
}

PasswordHasher::~PasswordHasher() {
  reserve_.Release();
}

Result<std::string> PasswordHasher::Hash(std::string_view password) {
  IMMUDB_RETURN_IF_ERROR(InitRandom());
  std::array<char, crypto_pwhash_STRBYTES> text{};
  const std::lock_guard lock(mutex_);
  reserve_.Release();
  const int failed =
      crypto_pwhash_str(text.data(), password.data(), password.size(),
                        crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE);
  reserve_.Take();
  if (failed != 0) return OutOfMemory();
  return std::string(text.data());
}

Result<bool> PasswordHasher::Matches(const std::string& hash, std::string_view password) {
  IMMUDB_RETURN_IF_ERROR(InitRandom());
  // crypto_pwhash_str_verify would report a lack of memory as a wrong password.
  const auto stored = Parse(hash);
  if (!stored) return false;
  decltype(stored->hash) given{};
  const std::lock_guard lock(mutex_);
  reserve_.Release();
  const int failed = crypto_pwhash(given.data(), given.size(), password.data(), password.size(),
                                   stored->salt.data(), stored->operations,
                                   stored->memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
  reserve_.Take();
  if (failed != 0) return OutOfMemory();
  return sodium_memcmp(given.data(), stored->hash.data(), given.size()) == 0;
}

Status PasswordHasher::SpendTimeOfMatch(std::string_view password) {
  return Matches(kHashOfNobody, password).status();
}

}  // namespace immudb
