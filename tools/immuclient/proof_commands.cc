// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/bytes.h"
#include "immuclient/command_util.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

Result<Digest> ParseDigest(const std::string& text) {
  Digest digest{};
  if (text.size() != 2 * digest.size()) return Status::InvalidArgument("invalid hash length");
  const auto bytes = FromForm(text, ByteForm::kHex, "hash");
  if (!bytes.ok()) return bytes.status();
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

std::string YesNo(bool verified) {
  return verified ? "true" : "false";
}

// The given hash, else that of the entry as the server shows it.
Result<Digest> LeafAt(Client* client, LeafIndex index, const CommandArguments& arguments) {
  if (arguments.size() > 1) return ParseDigest(arguments[1]);
  const auto item = client->ByIndex(index);
  if (!item.ok()) return item.status();
  return LeafDigest(item->index, item->key, item->value);
}

Outcome Inclusion(const CommandContext& context, const CommandArguments& arguments) {
  const auto index = ParseNumber(arguments[0], "index number");
  if (!index.ok()) return WrongUsage(index.status().message());
  if (arguments.size() > 1 && !ParseDigest(arguments[1]).ok()) {
    return WrongUsage(ParseDigest(arguments[1]).status().message());
  }
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto leaf = LeafAt(*client, {*index}, arguments);
  if (!leaf.ok()) return Failed(leaf.status());
  const auto answer = (*client)->Inclusion({*index});
  if (!answer.ok()) return Failed(answer.status());
  const Status proven = VerifyInclusion({*index}, TreeEndingAt(answer->at.index), *leaf,
                                        answer->path, answer->at.hash);
  std::string text = "verified: " + YesNo(proven.ok());
  text += " \nhash: " + ToHex(*leaf) + " at index: " + std::to_string(*index);
  text += " \nroot: " + ToHex(answer->at.hash) + " at index: ";
  text += std::to_string(answer->at.index.value) + " \n";
  Outcome outcome = Said(std::move(text), {{"verified", proven.ok()},
                                           {"index", *index},
                                           {"hash", ToHex(*leaf)},
                                           {"root", ToHex(answer->at.hash)},
                                           {"root_index", answer->at.index.value}});
  if (!proven.ok()) outcome.status = Status::DataLoss(proven.message());
  return outcome;
}

Outcome CheckConsistency(const CommandContext& context, const CommandArguments& arguments) {
  const auto index = ParseNumber(arguments[0], "index number");
  if (!index.ok()) return WrongUsage(index.status().message());
  const auto first = ParseDigest(arguments[1]);
  if (!first.ok()) return WrongUsage(first.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto answer = (*client)->Consistency({*index});
  if (!answer.ok()) return Failed(answer.status());
  const TreeRoot& second = answer->second;
  const Status proven = VerifyConsistency(TreeEndingAt({*index}), *first,
                                          TreeEndingAt(second.index), second.hash, answer->path);
  const std::string shown = proven.ok() ? ToHex(*first) : "";  // empty, as it always was
  std::string text = "verified: " + YesNo(proven.ok());
  text += " \nfirstRoot: " + shown + " at index: " + std::to_string(*index);
  text += " \nsecondRoot: " + ToHex(second.hash) + " at index: ";
  text += std::to_string(second.index.value) + " \n";
  Outcome outcome = Said(std::move(text), {{"verified", proven.ok()},
                                           {"first_root", ToHex(*first)},
                                           {"first_index", *index},
                                           {"second_root", ToHex(second.hash)},
                                           {"second_index", second.index.value}});
  if (!proven.ok()) outcome.status = Status::DataLoss(proven.message());
  return outcome;
}

}  // namespace

std::vector<Command> ProofCommands() {
  return {{{.name = "inclusion",
            .alias = "i",
            .arguments = "index [hash]",
            .min_arguments = 1,
            .max_arguments = 2,
            .help = "Check that an entry is in the server's tree; without hash: the entry that "
                    "the server shows"},
           Inclusion},
          {{.name = "check-consistency",
            .alias = "c",
            .arguments = "index hash",
            .min_arguments = 2,
            .max_arguments = 2,
            .help = "Check that the server's tree continues the one with this last index and root"},
           CheckConsistency}};
}

}  // namespace immudb
