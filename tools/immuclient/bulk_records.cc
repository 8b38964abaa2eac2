// SPDX-License-Identifier: Apache-2.0
#include "immuclient/bulk_records.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immudb/types.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

// A file without line ends must not fill the memory; no server takes a message as large as this.
constexpr size_t kMaxRecordBytes = size_t{256} << 20;

constexpr char kTooLong[] = "the record is longer than 256 MiB";

struct RecordTime {
  bool given = false;
  std::optional<uint64_t> seconds;
};

std::string StoredValue(std::string value, const RecordTime& time, bool raw) {
  if (time.seconds) return EncodeStructured({*time.seconds, std::move(value)});
  if (time.given || raw) return value;
  return EncodeStructured(StampedNow(std::move(value)));
}

// The bytes of key or value, which may stand under three names.
Result<std::string> JsonBytes(const Json& json, const std::string& name, ByteForm plain) {
  const std::pair<std::string, ByteForm> kNames[] = {
      {name, plain}, {name + "_base64", ByteForm::kBase64}, {name + "_hex", ByteForm::kHex}};
  const Json* found = nullptr;
  ByteForm form = plain;
  for (const auto& [field, field_form] : kNames) {
    const auto it = json.find(field);
    if (it == json.end()) continue;
    if (found != nullptr) return Status::InvalidArgument("field " + name + " is given twice");
    if (!it->is_string()) return Status::InvalidArgument("field " + field + " is not a string");
    found = &*it;
    form = field_form;
  }
  if (found == nullptr) return Status::InvalidArgument("field " + name + " is missing");
  return FromForm(found->get_ref<const std::string&>(), form, name);
}

Status CheckJsonFields(const Json& json) {
  static const std::vector<std::string> kKnown = {
      "key",       "value", "key_base64", "value_base64", "key_hex",
      "value_hex", "time",  "index",      "hash",         "verified"};
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(kKnown, name) == kKnown.end()) {
      return Status::InvalidArgument("unknown field " + name);
    }
  }
  return Status::Ok();
}

Result<ByteForm> EncodingOf(const std::string& text, ByteForm plain) {
  if (text.empty()) return plain;
  if (text == "text") return ByteForm::kText;
  if (text == "base64") return ByteForm::kBase64;
  if (text == "hex") return ByteForm::kHex;
  return Status::InvalidArgument("encoding is none of text, base64, hex");
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
}

// Structured only if the same bytes come of it again.
ShownValue Reversible(const Item& item) {
  ShownValue shown = Show(item, ValueForm::kStructured);
  if (shown.time && EncodeStructured({*shown.time, shown.value}) != item.value) {
    return {item.value, std::nullopt};
  }
  return shown;
}

}  // namespace

Status BulkReader::Wrong(const std::string& what) const {
  return Status::InvalidArgument("line " + std::to_string(line_) + ": " + what);
}

bool BulkReader::Take(char* c) {
  const int next = in_.rdbuf()->sbumpc();
  if (next == std::istream::traits_type::eof()) return false;
  *c = static_cast<char>(next);
  ++bytes_;
  if (*c == '\n') ++next_line_;
  return true;
}

Result<bool> BulkReader::NextLine(std::string* text) {
  text->clear();
  line_ = next_line_;
  char c = 0;
  bool any = false;
  while (Take(&c)) {
    any = true;
    if (c == '\n') break;
    if (text->size() >= kMaxRecordBytes) return Wrong(kTooLong);
    *text += c;
  }
  if (text->ends_with('\r')) text->pop_back();
  return any;
}

// True if another field follows in the record.
Result<bool> BulkReader::TakeField(std::string* field, size_t room) {
  char c = 0;
  bool quoted = false;  // inside quotes
  bool closed = false;  // behind the closing quote
  while (Take(&c)) {
    if (field->size() >= room) return Wrong(kTooLong);
    if (quoted) {
      if (c != '"') {
        *field += c;
      } else if (in_.rdbuf()->sgetc() == '"') {
        Take(&c);
        *field += c;
      } else {
        quoted = false;
        closed = true;
      }
    } else if (c == ',' || c == '\n') {
      return c == ',';
    } else if (c == '\r' && in_.rdbuf()->sgetc() == '\n') {
      continue;
    } else if (closed) {
      return Wrong("a quoted field goes on behind its closing quote");
    } else if (c == '"') {
      if (!field->empty()) return Wrong("a quote inside a field that is not quoted");
      quoted = true;
    } else {
      *field += c;
    }
  }
  if (quoted) return Wrong("the closing quote of a field is missing");
  return false;
}

// An empty line is no record.
Result<bool> BulkReader::NextFields(Fields* fields) {
  while (true) {
    fields->clear();
    if (in_.rdbuf()->sgetc() == std::istream::traits_type::eof()) return false;
    line_ = next_line_;
    size_t room = kMaxRecordBytes;
    bool more = true;
    while (more) {
      auto& field = fields->emplace_back();
      const auto taken = TakeField(&field, room);
      IMMUDB_RETURN_IF_ERROR(taken);
      more = *taken;
      room -= field.size();
      if (fields->size() > 1000) return Wrong("the record has more than 1000 fields");
    }
    if (fields->size() > 1 || !fields->front().empty()) return true;
  }
}

Status BulkReader::TakeHeader(const Fields& fields) {
  for (const auto& name : fields) {
    if (std::ranges::find(columns_, name) == columns_.end()) {
      return Wrong("unknown column " + name + "; there are key, value, time, encoding");
    }
    if (std::ranges::count(fields, name) > 1) return Wrong("column " + name + " stands twice");
  }
  columns_ = fields;
  named_ = true;
  return Status::Ok();
}

Result<BulkEntry> BulkReader::FromCsv(const Fields& fields) const {
  if (fields.size() < 2 || fields.size() > columns_.size() ||
      (named_ && fields.size() != columns_.size())) {
    return Wrong("the record has " + std::to_string(fields.size()) + " field(s)");
  }
  std::string key;
  std::string value;
  std::string encoding;
  RecordTime time;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (columns_[i] == "key") key = fields[i];
    if (columns_[i] == "value") value = fields[i];
    if (columns_[i] == "encoding") encoding = fields[i];
    if (columns_[i] != "time") continue;
    time.given = true;
    if (fields[i].empty()) continue;
    const auto seconds = ParseNumber(fields[i], "time");
    if (!seconds.ok()) return Wrong(seconds.status().message());
    time.seconds = *seconds;
  }
  const auto form = EncodingOf(encoding, options_.bytes);
  if (!form.ok()) return Wrong(form.status().message());
  auto key_bytes = FromForm(key, *form, "key");
  if (!key_bytes.ok()) return Wrong(key_bytes.status().message());
  auto value_bytes = FromForm(value, *form, "value");
  if (!value_bytes.ok()) return Wrong(value_bytes.status().message());
  return BulkEntry{
      {*std::move(key_bytes), StoredValue(*std::move(value_bytes), time, options_.raw)}, line_};
}

Result<BulkEntry> BulkReader::FromJson(const std::string& text) const {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Wrong("not a JSON object");
  const Status known = CheckJsonFields(json);
  if (!known.ok()) return Wrong(known.message());
  RecordTime time;
  if (const auto it = json.find("time"); it != json.end()) {
    time.given = true;
    if (!it->is_null() && !it->is_number_unsigned())
      return Wrong("time is not a number of seconds");
    if (!it->is_null()) time.seconds = it->get<uint64_t>();
  }
  auto key = JsonBytes(json, "key", options_.bytes);
  if (!key.ok()) return Wrong(key.status().message());
  auto value = JsonBytes(json, "value", options_.bytes);
  if (!value.ok()) return Wrong(value.status().message());
  return BulkEntry{{*std::move(key), StoredValue(*std::move(value), time, options_.raw)}, line_};
}

Result<std::optional<BulkEntry>> BulkReader::NextCsv(uint64_t first_line) {
  Fields fields;
  while (true) {
    const auto any = NextFields(&fields);
    IMMUDB_RETURN_IF_ERROR(any);
    if (!*any) return std::optional<BulkEntry>();
    if (!begun_) {
      begun_ = true;
      if (fields.front().starts_with("\xEF\xBB\xBF")) fields.front().erase(0, 3);  // Excel's mark
      if (options_.header && std::ranges::find(fields, "key") != fields.end() &&
          std::ranges::find(fields, "value") != fields.end()) {
        IMMUDB_RETURN_IF_ERROR(TakeHeader(fields));
        continue;
      }
    }
    if (line_ < first_line) continue;
    auto entry = FromCsv(fields);
    IMMUDB_RETURN_IF_ERROR(entry);
    return std::optional(*std::move(entry));
  }
}

Result<std::optional<BulkEntry>> BulkReader::NextJson(uint64_t first_line) {
  std::string text;
  while (true) {
    const auto any = NextLine(&text);
    IMMUDB_RETURN_IF_ERROR(any);
    if (!*any) return std::optional<BulkEntry>();
    if (line_ < first_line || text.find_first_not_of(" \t") == std::string::npos) continue;
    auto entry = FromJson(text);
    IMMUDB_RETURN_IF_ERROR(entry);
    return std::optional(*std::move(entry));
  }
}

Result<std::optional<BulkEntry>> BulkReader::Next(uint64_t first_line) {
  return options_.format == BulkFormat::kCsv ? NextCsv(first_line) : NextJson(first_line);
}

std::string BulkHeader(const BulkOptions& options) {
  return options.format == BulkFormat::kCsv ? "key,value,time,encoding\r\n" : "";
}

std::string ToBulkRecord(const Item& item, const BulkOptions& options, bool with_place) {
  const ShownValue shown = Reversible(item);
  if (options.format == BulkFormat::kCsv) {
    ByteForm form = options.bytes;
    const bool text = IsUtf8(item.key) && IsUtf8(shown.value);
    if (form == ByteForm::kText && !text) form = ByteForm::kBase64;
    const char* encoding = form == ByteForm::kText  ? "text"
                           : form == ByteForm::kHex ? "hex"
                                                    : "base64";
    std::string record = CsvField(ToForm(item.key, form)) + ',';
    record += CsvField(ToForm(shown.value, form)) + ',';
    if (shown.time) record += std::to_string(*shown.time);
    return record + ',' + encoding + "\r\n";
  }
  Json json;
  if (with_place) json["index"] = item.index.value;
  AddBytes("key", item.key, options.bytes, &json);
  AddBytes("value", shown.value, options.bytes, &json);
  json["time"] = shown.time ? Json(*shown.time) : Json(nullptr);
  if (with_place) json["hash"] = ToHex(LeafDigest(item.index, item.key, item.value));
  return ToLine(json) + '\n';
}

}  // namespace immudb
