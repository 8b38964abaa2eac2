// SPDX-License-Identifier: Apache-2.0
#include "backup/manifest.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "backup/sha256.h"
#include "base/bytes.h"
#include "base/status_macros.h"
#include "database/database_name.h"
#include "database/server_identifier.h"
#include "immudb/verify.h"
#include "merkle/compact_range.h"
#include "vlog/frame.h"

namespace immudb {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "immudb-backup";
constexpr int kVersion = 1;
constexpr char kChecksumName[] = "manifest-sha256";
constexpr uint64_t kMaxOffset = uint64_t{1} << 40;
constexpr uint32_t kMaxSegment = uint32_t{1} << 24;

Json FileJson(const BackupFile& file) {
  Json json;
  json["name"] = file.name;
  if (!file.is_identity) {
    json["segment"] = file.segment;
    json["offset"] = file.offset;
  }
  json["bytes"] = file.bytes;
  json["sha256"] = file.sha256;
  return json;
}

Json DatabaseJson(const BackupDatabase& database) {
  Json json;
  json["database"] = database.name;
  json["base-size"] = database.base.value;
  json["base-root"] = ToHex(database.base_root);
  json["size"] = database.state.tree.size().value;
  json["root"] = ToHex(database.state.tree.Root());
  json["tree"] = database.state.tree.Text();
  json["end-segment"] = database.state.end.segment;
  json["end-offset"] = database.state.end.offset;
  json["files"] = Json::array();
  for (const BackupFile& file : database.files) json["files"].push_back(FileJson(file));
  return json;
}

Json ManifestJson(const Manifest& manifest) {
  Json json;
  json["format"] = kFormat;
  json["version"] = kVersion;
  json["created"] = manifest.created;
  json["databases"] = Json::array();
  for (const auto& database : manifest.databases) {
    json["databases"].push_back(DatabaseJson(database));
  }
  return json;
}

Status Wrong(std::string what) {
  return Status::DataLoss("the manifest is damaged: " + std::move(what));
}

bool IsHash(const std::string& text) {
  return DigestFromHex(text).has_value();
}

struct OtherForm {};

// Ends the parsing of what ManifestText never gives, and what could take far more memory than it
// has bytes: other names, deeper or other nesting.
bool CheckForm(int depth, Json::parse_event_t event, Json& parsed) {
  static constexpr int kValuesOfFiles = 5;
  static constexpr std::string_view kNames[] = {
      "format",    "version", "created", "databases", kChecksumName, "database",   "base-size",
      "base-root", "size",    "root",    "tree",      "end-segment", "end-offset", "files",
      "name",      "segment", "offset",  "bytes",     "sha256"};
  using Event = Json::parse_event_t;
  // Objects stand in arrays, everything else in objects.
  const bool in_object = depth % 2 == 1;
  bool fits = depth <= kValuesOfFiles;
  if (event == Event::object_start) fits = fits && !in_object;
  if (event == Event::array_start || event == Event::value) fits = fits && in_object;
  if (event == Event::key) {
    const auto& name = parsed.get_ref<const std::string&>();
    fits = fits && std::ranges::find(kNames, name) != std::end(kNames);
  }
  if (!fits) throw OtherForm();
  return true;
}

// What comes behind the version may have any form.
bool IsOfLaterVersion(std::string_view text) {
  static constexpr std::string_view kBegin = "{\n  \"format\": \"immudb-backup\",\n  \"version\": ";
  if (!text.starts_with(kBegin)) return false;
  text.remove_prefix(kBegin.size());
  int version = 0;
  return std::from_chars(text.data(), text.data() + text.size(), version).ec == std::errc() &&
         version > kVersion;
}

// At most one object or array begins on a line.
bool IsIndented(std::string_view text) {
  bool begun = false;
  for (const char c : text) {
    if (c == '\n') begun = false;
    if (c != '{' && c != '[') continue;
    if (begun) return false;
    begun = true;
  }
  return true;
}

// Throws what the JSON library throws; the text is compared with the canonical one afterwards.
BackupDatabase DatabaseOf(const Json& json) {
  BackupDatabase database;
  database.name = json.at("database").get<std::string>();
  database.base.value = json.at("base-size").get<uint64_t>();
  database.base_root = DigestFromHex(json.at("base-root").get<std::string>()).value();
  database.state.tree = CompactRange::FromText(json.at("tree").get<std::string>()).value();
  database.state.end = {json.at("end-segment").get<uint32_t>(),
                        json.at("end-offset").get<uint64_t>()};
  for (const Json& row : json.at("files")) {
    BackupFile file;
    file.name = row.at("name").get<std::string>();
    file.is_identity = !row.contains("segment");
    if (!file.is_identity) {
      file.segment = row.at("segment").get<uint32_t>();
      file.offset = row.at("offset").get<uint64_t>();
    }
    file.bytes = row.at("bytes").get<uint64_t>();
    file.sha256 = row.at("sha256").get<std::string>();
    database.files.push_back(std::move(file));
  }
  return database;
}

// The pieces follow each other without gap, up to the end of the log.
Status CheckPieces(const BackupDatabase& database) {
  const BackupFile* before = nullptr;
  for (const BackupFile& file : database.files) {
    if (!IsHash(file.sha256)) return Wrong(file.name + " has no SHA-256");
    if (file.is_identity) {
      if (file.name != IdentityName(database.name) || &file != &database.files.back() ||
          file.bytes != sizeof(ServerIdentifier)) {
        return Wrong(file.name + " is not the identity of a server");
      }
      continue;
    }
    const bool fits = before == nullptr
                          ? (database.base.value > 0 || (file.segment == 0 && file.offset == 0))
                          : (file.segment == before->segment + 1 && file.offset == 0);
    if (!fits || file.name != PieceName(database.name, file.segment, file.offset) ||
        file.segment >= kMaxSegment || file.offset >= kMaxOffset || file.bytes == 0 ||
        file.bytes >= kMaxOffset) {
      return Wrong(file.name + " is no piece of the log, or does not continue it");
    }
    before = &file;
  }
  const LogPosition end = database.state.end;
  const bool ends = before == nullptr ? database.base == database.state.tree.size()
                                      : (before->segment == end.segment &&
                                         before->offset + before->bytes == end.offset);
  return ends ? Status::Ok() : Wrong("the files of " + database.name + " end elsewhere");
}

Status CheckDatabase(const BackupDatabase& database) {
  if (database.name != kSystemDatabase && !CheckDatabaseName(database.name).ok()) {
    return Wrong("a database has a name that is not allowed");
  }
  if (database.state.tree.size() < database.base)
    return Wrong(database.name + " ends before its base");
  if (database.base.empty() && database.base_root != EmptyTreeRoot()) {
    return Wrong(database.name + " begins with another root than that of no entries");
  }
  return CheckPieces(database);
}

}  // namespace

const BackupDatabase* Manifest::Find(std::string_view name) const {
  const auto found = std::find_if(databases.begin(), databases.end(),
                                  [&](const BackupDatabase& each) { return each.name == name; });
  return found == databases.end() ? nullptr : &*found;
}

uint64_t Manifest::TotalBytes() const {
  uint64_t bytes = 0;
  for (const auto& database : databases) {
    for (const auto& file : database.files) bytes += file.bytes;
  }
  return bytes;
}

bool Manifest::IsComplete() const {
  return std::all_of(databases.begin(), databases.end(),
                     [](const BackupDatabase& each) { return each.base.empty(); });
}

std::string PieceName(std::string_view database, uint32_t segment, uint64_t offset) {
  std::string name(database);
  name += "/log/";
  name += SegmentFileName(segment);
  if (offset > 0) name.append(".").append(std::to_string(offset));
  return name;
}

std::string IdentityName(std::string_view database) {
  std::string name(database);
  return name.append("/").append(kServerIdentifierFile);
}

std::string ManifestText(const Manifest& manifest) {
  Json json = ManifestJson(manifest);
  json[kChecksumName] = Sha256::HexOf(json.dump(2));
  return json.dump(2) + "\n";
}

Result<Manifest> ParseManifest(std::string_view text) {
  if (IsOfLaterVersion(text)) {
    return Status::InvalidArgument("the backup was made by a later version of immudb");
  }
  if (!IsIndented(text)) return Wrong("it has another form");
  Manifest manifest;
  try {
    const Json json = Json::parse(text, CheckForm);
    if (json.at("format") != kFormat) return Wrong("it is not one of an immudb backup");
    manifest.created = json.at("created").get<std::string>();
    for (const Json& row : json.at("databases")) manifest.databases.push_back(DatabaseOf(row));
    if (ManifestText(manifest) != text) return Wrong("it does not match its checksum");
  } catch (const OtherForm&) {
    return Wrong("it has another form");
  } catch (const std::bad_optional_access&) {
    return Wrong("a root is not one");
  } catch (const Json::exception& error) {
    return Wrong(error.what());
  }
  std::set<std::string> names;
  for (const BackupDatabase& database : manifest.databases) {
    IMMUDB_RETURN_IF_ERROR(CheckDatabase(database));
    if (!names.insert(database.name).second) return Wrong(database.name + " is there twice");
  }
  return manifest;
}

}  // namespace immudb
