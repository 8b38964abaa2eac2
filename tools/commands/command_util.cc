// SPDX-License-Identifier: Apache-2.0
#include "commands/command_util.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "cli/byte_form.h"
#include "cli/prompt.h"
#include "immudb/types.h"
#include "immudb/verify.h"

namespace immudb {

Outcome Failed(const Status& status) {
  return {.status = status};
}

Outcome WrongUsage(std::string message) {
  return {.status = Status::InvalidArgument(std::move(message)), .usage = true};
}

Outcome KeyFailed(const Status& status, const std::string& key) {
  if (status.code() != StatusCode::kNotFound) return Failed(status);
  return Failed(Status::NotFound("key not found: " + key));
}

Outcome Said(std::string text, Json result) {
  Outcome outcome{.text = std::move(text)};
  outcome.results.push_back(std::move(result));
  return outcome;
}

Outcome Done(std::string text, Json result, const Status& status) {
  return status.ok() ? Said(std::move(text), std::move(result)) : Failed(status);
}

Result<std::string> ReadNewPassword(const std::string& user) {
  auto password = ReadPassword("Choose a password for " + user + ":");
  if (!password.ok()) return password;
  auto again = ReadPassword("Confirm password:");
  if (!again.ok()) return again;
  if (*again != *password) return Status::InvalidArgument("Passwords don't match");
  return password;
}

Result<uint64_t> ParseNumber(const std::string& text, std::string_view what) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stop == end && !text.empty()) return number;
  std::string message = "\"" + text;
  message += "\" is not a valid ";
  message += what;
  return Status::InvalidArgument(std::move(message));
}

Result<double> ParseScore(const std::string& text) {
  double score = 0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, score);
  if (error == std::errc() && stop == end && !std::isnan(score)) return score;
  return Status::InvalidArgument("\"" + text + "\" is not a valid score");
}

Result<std::string> BytesArgument(const CommandContext& context, const std::string& text,
                                  std::string_view what) {
  return FromForm(text, ByteFormOf(context.settings()), what);
}

Result<std::string> ReadInput(const CommandContext& context, std::string_view what) {
  std::istream* in = context.streams().in;
  if (in == nullptr) {
    std::string message(what);
    message += ": standard input belongs to the shell; give the text itself, or a file";
    return Status::InvalidArgument(std::move(message));
  }
  std::ostringstream content;
  if (in->peek() != std::istream::traits_type::eof()) content << in->rdbuf();
  if (in->bad()) return Status::IoError("standard input could not be read");
  return std::move(content).str();
}

Result<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file && file.peek() != std::ifstream::traits_type::eof()) content << file.rdbuf();
  if (!file.is_open() || file.bad()) {
    return Status::FailedPrecondition("file " + path + ": " +
                                      std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  }
  return std::move(content).str();
}

std::vector<OptionSpec> PageOptions(std::string offset_help) {
  return {{.name = "limit",
           .type = OptionType::kInt,
           .default_value = "0",
           .help = "show at most this many; 0: as many as the server gives",
           .min = 0},
          {.name = "offset", .help = std::move(offset_help)},
          {.name = "reverse",
           .type = OptionType::kBool,
           .default_value = "false",
           .help = "from the last to the first"}};
}

OptionSpec ExplainOption() {
  return {.name = "explain",
          .type = OptionType::kBool,
          .default_value = "false",
          .help = "also show the proof: each hash from the entry to the root"};
}

void AddExplanation(const VerifiedItem& verified, Outcome* outcome) {
  const auto steps = ExplainInclusion(verified.item.index, TreeEndingAt(verified.tree.index),
                                      verified.leaf, verified.path);
  if (!steps.ok()) return;
  const std::string index = std::to_string(verified.item.index.value);
  std::string text = "proof:\n  leaf " + index + ":\t" + ToHex(verified.leaf) + '\n';
  Json rows = Json::array();
  for (const auto& step : *steps) {
    const char* side = step.sibling_is_left ? "left" : "right";
    text += "  layer " + std::to_string(step.layer) + ":\twith the " + side + " sibling ";
    text += ToHex(step.sibling) + "\n\t\tgives " + ToHex(step.parent) + '\n';
    rows.push_back({{"layer", step.layer},
                    {"side", side},
                    {"sibling", ToHex(step.sibling)},
                    {"parent", ToHex(step.parent)}});
  }
  text += "  root:\t\t" + ToHex(verified.tree.hash) + " at index: ";
  outcome->text += text + std::to_string(verified.tree.index.value) + '\n';
  outcome->results.back()["proof"] = {{"leaf", ToHex(verified.leaf)},
                                      {"steps", std::move(rows)},
                                      {"root", ToHex(verified.tree.hash)},
                                      {"root_index", verified.tree.index.value}};
}

Outcome ShowVerified(const CommandContext& context, const Result<VerifiedItem>& result,
                     const VerifiedItem& rejected, ValueForm form, bool explain) {
  Outcome outcome;
  if (result.ok()) {
    AddItem(context.settings(), result->item, form, true, &outcome);
    if (explain) AddExplanation(*result, &outcome);
    if (result->key_match == KeyMatch::kUnprovenReference) {
      outcome.note =
          "note: the key was answered as a reference, which could not be proven because "
          "its history is too large";
    }
    return outcome;
  }
  outcome.status = result.status();
  if (!IsVerificationFailure(result.status()) || rejected.item.key.empty()) return outcome;
  const ByteForm bytes = ByteFormOf(context.settings());
  outcome.text = ItemBlock(rejected.item, form, false, bytes);
  outcome.results.push_back(ItemJson(rejected.item, form, false, bytes));
  outcome.raw = "";  // bytes that are not believed must not look like a value
  return outcome;
}

}  // namespace immudb
