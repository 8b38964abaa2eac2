// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "cli/byte_form.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immudb/client.h"
#include "immudb/proof_document.h"
#include "immudb/status.h"
#include "immudb/types.h"
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

// Of an option that may be left out.
Result<std::optional<TreeRoot>> RootOption(const CommandContext& context, const char* option) {
  const std::string& text = context.settings().Text(option);
  if (text.empty()) return std::optional<TreeRoot>();
  const auto root = ParseTreeRoot(text);
  if (root.ok()) return std::optional(*root);
  return root.status().WithContext(std::string("option ") + option);
}

// The document is the result, in every form of output.
Outcome Prove(const CommandContext& context, const CommandArguments& arguments) {
  const auto key = BytesArgument(context, arguments[0], "key");
  if (!key.ok()) return WrongUsage(key.status().message());
  const auto from = RootOption(context, "from");
  if (!from.ok()) return WrongUsage(from.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto document = (*client)->Prove(*key, *from);
  if (!document.ok()) return KeyFailed(document.status(), arguments[0]);
  std::string text = ToJson(*document);
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (text.ends_with('\n')) text.pop_back();
  return Said(std::move(text), std::move(json));
}

void ShowProven(const CommandContext& context, const ProofDocument& document, bool anchored,
                bool verified, Outcome* outcome) {
  const ByteForm bytes = ByteFormOf(context.settings());
  const Item item{document.key, document.value, document.index};
  outcome->text = ItemBlock(item, ValueForm::kStructured, verified, bytes);
  outcome->text += "root:\t\t" + ToHex(document.tree.hash) +
                   " at index: " + std::to_string(document.tree.index.value) + " \n";
  Json json = ItemJson(item, ValueForm::kStructured, verified, bytes);
  json["server"] = document.server_uuid;
  json["database"] = document.database;
  json["root"] = ToHex(document.tree.hash);
  json["root_index"] = document.tree.index.value;
  json["root_trusted"] = verified && anchored;
  outcome->results.push_back(std::move(json));
  outcome->raw = verified ? ToForm(Show(item, ValueForm::kStructured).value, bytes) : "";
}

// Needs no server.
Outcome VerifyProof(const CommandContext& context, const CommandArguments& arguments) {
  const auto root = RootOption(context, "root");
  if (!root.ok()) return WrongUsage(root.status().message());
  const auto text =
      arguments[0] == "-" ? ReadInput(context, "proof -") : ReadWholeFile(arguments[0]);
  if (!text.ok()) return Failed(text.status());
  const auto document = ParseProofDocument(*text);
  if (!document.ok()) return Failed(document.status());
  Outcome outcome{.status = CheckProofDocument(*document, *root)};
  if (!outcome.status.ok() && !IsVerificationFailure(outcome.status)) return outcome;
  ShowProven(context, *document, root->has_value(), outcome.status.ok(), &outcome);
  if (!root->has_value() && outcome.status.ok()) {
    outcome.note =
        "note: no --root was given: entry, path and root fit each other, but whose log it is "
        "stays open";
  }
  return outcome;
}

}  // namespace

std::vector<Command> ProofCommands() {
  return {{{.name = "prove",
            .arguments = "key",
            .min_arguments = 1,
            .max_arguments = 1,
            .help = "Get and verify an item, and show its proof as a document that others can "
                    "check without the server",
            .options = {{.name = "from",
                         .help = "prove also that the tree continues this root, which the reader "
                                 "trusts: <last index>:<hash>"}}},
           Prove},
          {{.name = "verify-proof",
            .arguments = "file|-",
            .min_arguments = 1,
            .max_arguments = 1,
            .help = "Check such a document, without a server",
            .options = {{.name = "root",
                         .help = "the root that you trust, of the document's tree or the one it "
                                 "continues: <last index>:<hash>"}}},
           VerifyProof},
          {{.name = "inclusion",
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
