// SPDX-License-Identifier: Apache-2.0
#include "database/server_identifier.h"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/status_macros.h"
#include "database/audit_trail.h"
#include "database/random.h"
#include "database/system_records.h"
#include "immudb/store.h"
#include "immudb/types.h"

namespace immudb {
namespace {

constexpr size_t kTimeBytes = 4;
constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuv";
constexpr unsigned kBitsPerCharacter = 5;

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

Status Write(FileSystem& fs, const std::string& directory, const ServerIdentifier& identifier) {
  return ReplaceFile(fs, JoinPath(directory, kServerIdentifierFile), AsBytes(identifier));
}

// The inverse of ServerIdentifierText; none for other texts.
std::optional<ServerIdentifier> FromText(const std::string& text) {
  ServerIdentifier identifier{};
  unsigned bits = 0;
  unsigned held = 0;
  size_t bytes = 0;
  for (const char character : text) {
    const size_t digit = kAlphabet.find(character);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << kBitsPerCharacter) | static_cast<unsigned>(digit);
    held += kBitsPerCharacter;
    if (held < 8 || bytes == identifier.size()) continue;
    held -= 8;
    identifier[bytes++] = static_cast<uint8_t>(bits >> held);
  }
  if (ServerIdentifierText(identifier) != text) return std::nullopt;
  return identifier;
}

std::string RecordKey() {
  return std::string(1, kServerRecord);
}

Result<std::optional<ServerIdentifier>> ReadRecord(const Store& system_database) {
  const auto found = system_database.Latest().Get(RecordKey());
  if (found.status().code() == StatusCode::kNotFound) return std::optional<ServerIdentifier>();
  IMMUDB_RETURN_IF_ERROR(found);
  const auto json = nlohmann::json::parse(found->value, nullptr, /*allow_exceptions=*/false);
  const auto text = json.is_object() ? json.find("identifier") : json.end();
  const auto identifier =
      text != json.end() && text->is_string() ? FromText(text->get<std::string>()) : std::nullopt;
  if (identifier) return identifier;
  return Status::DataLoss("the server identity in the system database cannot be understood");
}

// Without `act` nobody needs to know: it is recorded for the first time.
Status Record(Store& system_database, AuditTrail& audit, const ServerIdentifier& identifier,
              const std::string& act, const std::string& why) {
  const std::string text = ServerIdentifierText(identifier);
  Transaction transaction;
  IMMUDB_RETURN_IF_ERROR(transaction.Set(RecordKey(), nlohmann::json{{"identifier", text}}.dump()));
  if (!act.empty()) {
    IMMUDB_RETURN_IF_ERROR(audit.AddTo(transaction, {.act = act, .target = text, .detail = why}));
  }
  return system_database.Commit(std::move(transaction)).status();
}

}  // namespace

Result<ServerIdentifier> ReadServerIdentifier(FileSystem& fs, const std::string& directory) {
  const std::string path = JoinPath(directory, kServerIdentifierFile);
  const auto exists = fs.Exists(path);
  IMMUDB_RETURN_IF_ERROR(exists);
  if (!*exists) return Status::NotFound(path + " is missing");
  const auto file = fs.Open(path, FileSystem::Mode::kRead);
  IMMUDB_RETURN_IF_ERROR(file);
  const auto size = (*file)->Size();
  IMMUDB_RETURN_IF_ERROR(size);
  ServerIdentifier identifier{};
  if (*size != identifier.size()) {
    return Status::DataLoss(path + " holds " + std::to_string(*size) +
                            " bytes; the server identifier has 12");
  }
  const auto read =
      (*file)->ReadAt(0, reinterpret_cast<char*>(identifier.data()), identifier.size());
  IMMUDB_RETURN_IF_ERROR(read);
  if (identifier == ServerIdentifier{}) return Status::DataLoss(path + " holds only zeros");
  return identifier;
}

Result<ServerIdentifier> MakeServerIdentifier(FileSystem& fs, const std::string& directory) {
  auto identifier = NewIdentifier();
  IMMUDB_RETURN_IF_ERROR(identifier);
  IMMUDB_RETURN_IF_ERROR(Write(fs, directory, *identifier));
  return identifier;
}

Result<ServerIdentifier> OpenServerIdentifier(FileSystem& fs, const std::string& directory,
                                              Store& system_database, AuditTrail& audit,
                                              bool may_be_new) {
  const auto recorded = ReadRecord(system_database);
  IMMUDB_RETURN_IF_ERROR(recorded);
  auto in_file = ReadServerIdentifier(fs, directory);
  const auto record = [&](const ServerIdentifier& identifier, const std::string& act,
                          const std::string& why) -> Result<ServerIdentifier> {
    IMMUDB_RETURN_IF_ERROR(Record(system_database, audit, identifier, act, why));
    return identifier;
  };
  if (in_file.ok()) {
    if (*recorded == *in_file) return in_file;
    return record(*in_file, *recorded ? "change the server identity" : "",
                  "the file is that of another server, as after a restore");
  }
  const Status wrong = in_file.status();
  if (wrong.code() != StatusCode::kNotFound && wrong.code() != StatusCode::kDataLoss) return wrong;
  if (*recorded) {
    spdlog::error("{}: it is written anew from the system database", wrong.message());
    IMMUDB_RETURN_IF_ERROR(Write(fs, directory, **recorded));
    return record(**recorded, "repair the server identity", wrong.message());
  }
  if (!may_be_new) {
    return Status::FailedPrecondition(
        wrong.message() +
        ": it says who this server is, and clients and auditors keep their trusted roots under it. "
        "Put the file of a backup there, or start once with --maintenance, which makes a new "
        "identity: they then take this for another server");
  }
  const auto made = MakeServerIdentifier(fs, directory);
  IMMUDB_RETURN_IF_ERROR(made);
  return record(*made, wrong.code() == StatusCode::kDataLoss ? "change the server identity" : "",
                wrong.message());
}

std::string ServerIdentifierText(const ServerIdentifier& identifier) {
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
