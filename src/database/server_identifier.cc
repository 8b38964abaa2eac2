// SPDX-License-Identifier: Apache-2.0
#include "database/server_identifier.h"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "database/random.h"

namespace immudb {
namespace {

constexpr size_t kTimeBytes = 4;

Result<ServerIdentifier> NewIdentifier() {
  IMMUDB_RETURN_IF_ERROR(InitRandom());
  ServerIdentifier identifier;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds =
      static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  for (size_t i = 0; i < kTimeBytes; ++i) {
    identifier[i] = static_cast<uint8_t>(seconds >> (8 * (kTimeBytes - 1 - i)));
  }
  randombytes_buf(identifier.data() + kTimeBytes, identifier.size() - kTimeBytes);
  return identifier;
}

}  // namespace

Result<ServerIdentifier> LoadOrCreateServerIdentifier(FileSystem& fs,
                                                      const std::string& directory) {
  const std::string path = JoinPath(directory, kServerIdentifierFile);
  const auto exists = fs.Exists(path);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) {
    auto identifier = NewIdentifier();
    IMMUDB_RETURN_IF_ERROR(identifier);
    IMMUDB_RETURN_IF_ERROR(ReplaceFile(fs, path, AsBytes(*identifier)));
    return identifier;
  }
  const auto content = ReadFile(fs, path);
  IMMUDB_RETURN_IF_ERROR(content);
  ServerIdentifier identifier;
  if (content->size() != identifier.size()) {
    return Status::DataLoss(path + " holds " + std::to_string(content->size()) +
                            " bytes; the server identifier has 12");
  }
  std::copy(content->begin(), content->end(), identifier.begin());
  return identifier;
}

std::string ServerIdentifierText(const ServerIdentifier& identifier) {
  static constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuv";
  static constexpr unsigned kBitsPerCharacter = 5;
  std::string text;
  unsigned bits = 0;
  unsigned waiting = 0;  // bits in `bits` that are not written yet
  for (const uint8_t byte : identifier) {
    bits = (bits << 8) | byte;
    waiting += 8;
    while (waiting >= kBitsPerCharacter) {
      waiting -= kBitsPerCharacter;
      text += kAlphabet[(bits >> waiting) & 31];
    }
  }
  if (waiting > 0) text += kAlphabet[(bits << (kBitsPerCharacter - waiting)) & 31];
  return text;
}

}  // namespace immudb
