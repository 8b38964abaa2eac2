// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/status_macros.h"
#include "cli/byte_form.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/types.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

// What `set` stores: the value and the time of this machine, as the original's programs do.
std::string Structured(std::string value) {
  return EncodeStructured(StampedNow(std::move(value)));
}

// The second argument, standard input ("-") or the file of --value-file. Input and file are taken
// as they are, to the last byte.
Result<std::string> ValueArgument(const CommandContext& context,
                                  const CommandArguments& arguments) {
  const std::string& path = context.settings().Text("value-file");
  if ((arguments.size() > 1) == !path.empty()) {
    return Status::InvalidArgument(
        "give the value once: as argument (\"-\" reads standard input) or with --value-file");
  }
  if (!path.empty()) return ReadWholeFile(path);
  if (arguments[1] == "-") return ReadInput(context, "value -");
  return BytesArgument(context, arguments[1], "value");
}

struct KeyAndValue {
  std::string key;
  std::string value;
};

Result<KeyAndValue> TakeKeyAndValue(const CommandContext& context,
                                    const CommandArguments& arguments) {
  auto key = BytesArgument(context, arguments[0], "key");
  IMMUDB_RETURN_IF_ERROR(key);
  auto value = ValueArgument(context, arguments);
  IMMUDB_RETURN_IF_ERROR(value);
  return KeyAndValue{*std::move(key), *std::move(value)};
}

Outcome BadArguments(const Status& status) {
  return {.status = status, .usage = status.code() == StatusCode::kInvalidArgument};
}

Outcome Set(const CommandContext& context, const CommandArguments& arguments) {
  const auto given = TakeKeyAndValue(context, arguments);
  if (!given.ok()) return BadArguments(given.status());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const std::string value = Structured(given->value);
  const auto index = (*client)->Set(given->key, value);
  if (!index.ok()) return Failed(index.status());
  Outcome outcome;
  AddItem(context.settings(), {given->key, value, *index}, ValueForm::kStructured, std::nullopt,
          &outcome);
  return outcome;
}

Outcome SafeSetAs(const CommandContext& context, const CommandArguments& arguments,
                  ValueForm form) {
  const auto given = TakeKeyAndValue(context, arguments);
  if (!given.ok()) return BadArguments(given.status());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  VerifiedItem rejected;
  const auto result = (*client)->SafeSet(
      given->key, form == ValueForm::kRaw ? given->value : Structured(given->value), &rejected);
  return ShowVerified(context, result, rejected, form);
}

Outcome SafeSet(const CommandContext& context, const CommandArguments& arguments) {
  return SafeSetAs(context, arguments, ValueForm::kStructured);
}
Outcome RawSafeSet(const CommandContext& context, const CommandArguments& arguments) {
  return SafeSetAs(context, arguments, ValueForm::kRaw);
}

struct NameAndKey {
  std::string name;
  std::string key;
};

// The key may come from standard input; one newline at its end is not part of it.
Result<NameAndKey> TakeNameAndKey(const CommandContext& context,
                                  const CommandArguments& arguments) {
  auto name = BytesArgument(context, arguments[0], "refkey");
  IMMUDB_RETURN_IF_ERROR(name);
  if (arguments.size() > 1 && arguments[1] != "-") {
    auto key = BytesArgument(context, arguments[1], "key");
    IMMUDB_RETURN_IF_ERROR(key);
    return NameAndKey{*std::move(name), *std::move(key)};
  }
  auto key = ReadInput(context, "key");
  IMMUDB_RETURN_IF_ERROR(key);
  if (key->ends_with('\n')) key->pop_back();
  if (key->ends_with('\r')) key->pop_back();
  return NameAndKey{*std::move(name), *std::move(key)};
}

// The block of a reference: name and referenced key, with the zero time that it always had.
void ShowReference(const CommandContext& context, const Item& item, std::optional<bool> verified,
                   Outcome* outcome) {
  AddItem(context.settings(), item, ValueForm::kRaw, verified, outcome);
  if (context.value_only()) return;
  const size_t end = outcome->text.find("verified:\t");
  outcome->text.insert(end == std::string::npos ? outcome->text.size() : end,
                       "time:\t\t" + TimeText(0) + " \n");
}

Outcome Reference(const CommandContext& context, const CommandArguments& arguments) {
  const auto given = TakeNameAndKey(context, arguments);
  if (!given.ok()) return BadArguments(given.status());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto index = (*client)->Reference(given->name, given->key);
  if (!index.ok()) return KeyFailed(index.status(), given->key);
  Outcome outcome;
  ShowReference(context, {given->name, given->key, *index}, std::nullopt, &outcome);
  return outcome;
}

Outcome SafeReference(const CommandContext& context, const CommandArguments& arguments) {
  const auto given = TakeNameAndKey(context, arguments);
  if (!given.ok()) return BadArguments(given.status());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  VerifiedItem rejected;
  const auto result = (*client)->SafeReference(given->name, given->key, &rejected);
  if (!result.ok()) {
    return result.status().code() == StatusCode::kNotFound
               ? KeyFailed(result.status(), given->key)
               : ShowVerified(context, result, rejected, ValueForm::kRaw);
  }
  Outcome outcome;
  ShowReference(context, result->item, true, &outcome);
  return outcome;
}

struct Member {
  std::string set;
  double score = 0;
  std::string key;
};

Result<Member> TakeMember(const CommandContext& context, const CommandArguments& arguments) {
  auto set = BytesArgument(context, arguments[0], "setname");
  IMMUDB_RETURN_IF_ERROR(set);
  auto score = ParseScore(arguments[1]);
  IMMUDB_RETURN_IF_ERROR(score);
  auto key = BytesArgument(context, arguments[2], "key");
  IMMUDB_RETURN_IF_ERROR(key);
  return Member{*std::move(set), *score, *std::move(key)};
}

// The original ends the lines of the unverified form, but the first, with a space.
Outcome ShowMember(const CommandContext& context, const Member& member, LeafIndex index,
                   std::optional<bool> verified) {
  const ByteForm bytes = ByteFormOf(context.settings());
  const std::string stored = SortedSetKey(member.set, member.score, member.key);
  const std::string hash = ToHex(LeafDigest(index, stored, member.key));
  std::array<char, 400> score{};  // %f of the largest double has 309 digits before the point
  std::snprintf(score.data(), score.size(), "%f", member.score);
  const std::string end = verified ? "\n" : " \n";
  std::string text = "index:\t\t" + std::to_string(index.value) + '\n';
  text += "set:\t\t" + ToForm(member.set, bytes) + end;
  text += "key:\t\t" + ToForm(stored, bytes) + end;
  text += std::string("score:\t\t") + score.data() + end;
  text += "value:\t\t" + ToForm(member.key, bytes) + end;
  text += "hash:\t\t" + hash + end;
  if (verified) text += std::string("verified:\t") + (*verified ? "true" : "false") + end;
  Json json{{"index", index.value}};
  AddBytes("set", member.set, bytes, &json);
  AddBytes("key", member.key, bytes, &json);
  // JSON has no infinity.
  json["score"] = std::isfinite(member.score) ? Json(member.score) : Json(score.data());
  json["hash"] = hash;
  if (verified) json["verified"] = *verified;
  return Said(std::move(text), std::move(json));
}

Outcome ZAdd(const CommandContext& context, const CommandArguments& arguments) {
  const auto member = TakeMember(context, arguments);
  if (!member.ok()) return BadArguments(member.status());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto index = (*client)->ZAdd(member->set, member->score, member->key);
  if (!index.ok()) return KeyFailed(index.status(), arguments[2]);
  return ShowMember(context, *member, *index, std::nullopt);
}

Outcome SafeZAdd(const CommandContext& context, const CommandArguments& arguments) {
  const auto member = TakeMember(context, arguments);
  if (!member.ok()) return BadArguments(member.status());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  VerifiedItem rejected;
  const auto result = (*client)->SafeZAdd(member->set, member->score, member->key, &rejected);
  if (result.ok()) return ShowMember(context, *member, result->item.index, true);
  if (!IsVerificationFailure(result.status())) return KeyFailed(result.status(), arguments[2]);
  Outcome outcome = ShowMember(context, *member, rejected.item.index, false);
  outcome.status = result.status();
  return outcome;
}

CommandSpec SetSpec(const char* name, const char* alias, const char* help) {
  return {.name = name,
          .alias = alias,
          .arguments = "key [value|-]",
          .min_arguments = 1,
          .max_arguments = 2,
          .help = help,
          .options = {{.name = "value-file", .help = "take the value from this file, as it is"}}};
}

CommandSpec Spec(const char* name, const char* alias, const char* arguments, size_t min, size_t max,
                 const char* help) {
  return {.name = name,
          .alias = alias,
          .arguments = arguments,
          .min_arguments = min,
          .max_arguments = max,
          .help = help};
}

}  // namespace

std::vector<Command> WriteCommands() {
  return {
      {SetSpec("set", "s", "Add a new item"), Set},
      {SetSpec("safeset", "ss", "Add and verify a new item"), SafeSet},
      {SetSpec("rawsafeset", "rs", "Add and verify a new item, its value being the bytes alone"),
       RawSafeSet},
      {Spec("reference", "r", "refkey [key|-]", 1, 2, "Add a new name for an existing key"),
       Reference},
      {Spec("safereference", "sr", "refkey [key|-]", 1, 2,
            "Add and verify a new name for an existing key"),
       SafeReference},
      {Spec("zadd", "za", "setname score key", 3, 3, "Add a key with a score to a sorted set"),
       ZAdd},
      {Spec("safezadd", "sza", "setname score key", 3, 3,
            "Add a key with a score to a sorted set, and verify it"),
       SafeZAdd}};
}

}  // namespace immudb
