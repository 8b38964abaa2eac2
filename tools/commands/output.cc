// SPDX-License-Identifier: Apache-2.0
#include "commands/output.h"

#include <array>
#include <ctime>
#include <limits>
#include <ostream>
#include <utility>

#include "base/bytes.h"
#include "immudb/verify.h"

namespace immudb {

std::vector<OptionSpec> OutputOptions() {
  return {{.name = "output",
           .default_value = "text",
           .help = "form of results and errors: text, json, jsonl (an object a line) or raw (the "
                   "bytes of values, nothing added)",
           .choices = {"text", "json", "jsonl", "raw"}},
          {.name = "hex",
           .type = OptionType::kBool,
           .default_value = "false",
           .help = "keys and values are given and shown as hexadecimal"},
          {.name = "base64",
           .type = OptionType::kBool,
           .default_value = "false",
           .help = "keys and values are given and shown as base64"},
          {.name = "value-only",
           .type = OptionType::kBool,
           .default_value = "false",
           .help = "show only values for get operations"}};
}

OutputForm OutputFormOf(const Settings& settings) {
  const std::string& form = settings.Text("output");
  if (form == "json") return OutputForm::kJson;
  if (form == "jsonl") return OutputForm::kJsonl;
  return form == "raw" ? OutputForm::kRaw : OutputForm::kText;
}

ByteForm ByteFormOf(const Settings& settings) {
  if (settings.Bool("hex")) return ByteForm::kHex;
  return settings.Bool("base64") ? ByteForm::kBase64 : ByteForm::kText;
}

Outcome RunCommand(const Command& command, const CommandContext& context,
                   const CommandArguments& arguments) {
  if (context.settings().Bool("hex") && context.settings().Bool("base64")) {
    return {.status = Status::InvalidArgument("options hex and base64 exclude each other"),
            .usage = true};
  }
  return command.run(context, arguments);
}

std::string ToLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ExitCode ExitCodeOf(const Outcome& outcome) {
  if (outcome.usage) return ExitCode::kUsage;
  return IsVerificationFailure(outcome.status) ? ExitCode::kVerificationFailed
                                               : ExitCodeFor(outcome.status.code());
}

void PrintError(const Status& status, ExitCode code, OutputForm form, std::ostream& err) {
  if (form != OutputForm::kJson && form != OutputForm::kJsonl) {
    err << status.message() << '\n';
    return;
  }
  Json error;
  error["code"] = StatusCodeName(status.code());
  error["message"] = status.message();
  error["exit_code"] = static_cast<int>(code);
  err << ToLine(Json{{"error", std::move(error)}}) << '\n';
}

void PrintNote(const std::string& note, OutputForm form, std::ostream& err) {
  if (note.empty()) return;
  const bool json = form == OutputForm::kJson || form == OutputForm::kJsonl;
  err << (json ? ToLine(Json{{"note", note}}) : note) << '\n';
}

namespace {

void PrintResults(const Outcome& outcome, OutputForm form, std::ostream& out) {
  switch (form) {
    case OutputForm::kJson:
      if (outcome.list) {
        out << ToLine(Json(outcome.results)) << '\n';
        return;
      }
      [[fallthrough]];
    case OutputForm::kJsonl:
      for (const auto& result : outcome.results) out << ToLine(result) << '\n';
      return;
    case OutputForm::kRaw:
      if (outcome.raw) {
        out << *outcome.raw;
        return;
      }
      [[fallthrough]];
    case OutputForm::kText:
      if (!outcome.text.empty()) out << outcome.text << '\n';
  }
}

}  // namespace

int PrintOutcome(const Outcome& outcome, const Settings& settings, std::ostream& out,
                 std::ostream& err) {
  const OutputForm form = OutputFormOf(settings);
  const ExitCode code = ExitCodeOf(outcome);
  PrintNote(outcome.note, form, err);
  const bool nothing = !outcome.status.ok() && outcome.text.empty() && outcome.results.empty();
  if (!outcome.printed && !nothing) PrintResults(outcome, form, out);
  out.flush();
  if (!outcome.status.ok()) PrintError(outcome.status, code, form, err);
  if (outcome.status.ok() && !out) {
    PrintError(Status::IoError("the result could not be written to standard output"),
               ExitCode::kFailed, form, err);
    return static_cast<int>(ExitCode::kFailed);
  }
  return static_cast<int>(code);
}

ShownValue Show(const Item& item, ValueForm form) {
  if (form == ValueForm::kStructured) {
    auto decoded = DecodeStructured(item.value);
    if (decoded.ok()) return {std::move(decoded->payload), decoded->timestamp};
  }
  return {item.value, std::nullopt};
}

std::string TimeText(uint64_t unix_seconds) {
  std::tm local{};
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::array<char, 64> text{};
  const bool shown = unix_seconds <= uint64_t{std::numeric_limits<int64_t>::max()} &&
                     ::localtime_r(&seconds, &local) != nullptr &&
                     std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z %Z", &local) > 0;
  return shown ? std::string(text.data()) : std::to_string(unix_seconds);
}

std::string ItemBlock(const Item& item, ValueForm form, std::optional<bool> verified,
                      ByteForm bytes) {
  const ShownValue shown = Show(item, form);
  const Digest leaf = LeafDigest(item.index, item.key, item.value);
  std::string text = "index:\t\t" + std::to_string(item.index.value) + " \n";
  text += "key:\t\t" + ToForm(item.key, bytes) + " \n";
  text += "value:\t\t" + ToForm(shown.value, bytes) + " \n";
  text += "hash:\t\t" + ToHex(leaf) + " \n";
  if (shown.time) text += "time:\t\t" + TimeText(*shown.time) + " \n";
  if (verified) text += std::string("verified:\t") + (*verified ? "true" : "false") + " \n";
  return text;
}

std::string RootBlock(const TreeRoot& root) {
  return "index:\t\t" + std::to_string(root.index.value) + "\nhash:\t\t" + ToHex(root.hash) + '\n';
}

void AddBytes(std::string_view name, std::string_view bytes, ByteForm form, Json* json) {
  if (form == ByteForm::kText && !IsUtf8(bytes)) form = ByteForm::kBase64;
  std::string field(name);
  if (form == ByteForm::kHex) field += "_hex";
  if (form == ByteForm::kBase64) field += "_base64";
  (*json)[field] = ToForm(bytes, form);
}

Json ItemJson(const Item& item, ValueForm form, std::optional<bool> verified, ByteForm bytes) {
  const ShownValue shown = Show(item, form);
  Json json;
  json["index"] = item.index.value;
  AddBytes("key", item.key, bytes, &json);
  AddBytes("value", shown.value, bytes, &json);
  json["hash"] = ToHex(LeafDigest(item.index, item.key, item.value));
  if (shown.time) json["time"] = *shown.time;
  if (verified) json["verified"] = *verified;
  return json;
}

void AddItem(const Settings& settings, const Item& item, ValueForm form,
             std::optional<bool> verified, Outcome* outcome) {
  const ByteForm bytes = ByteFormOf(settings);
  const std::string value = ToForm(Show(item, form).value, bytes);
  if (!outcome->raw) outcome->raw.emplace();
  *outcome->raw += value;
  if (settings.Bool("value-only")) {
    outcome->text += value + '\n';
    Json json;
    AddBytes("value", Show(item, form).value, bytes, &json);
    outcome->results.push_back(std::move(json));
  } else {
    outcome->text += ItemBlock(item, form, verified, bytes);
    outcome->results.push_back(ItemJson(item, form, verified, bytes));
  }
}

}  // namespace immudb
