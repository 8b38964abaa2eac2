// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "cli/byte_form.h"
#include "cli/prompt.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immuadmin/commands.h"
#include "immudb/client.h"
#include "immudb/status.h"

namespace immudb {
namespace {

Outcome SetAuth(Client* client, const std::string& value) {
  if (value != "none" && value != "password") {
    return WrongUsage("unsupported " + value +
                      " auth mode, only none and password are currently supported");
  }
  return Done("Server auth config updated", {{"auth", value}},
              client->UpdateAuthConfig(value == "password"));
}

Outcome SetMtls(Client* client, const std::string& value) {
  if (value != "true" && value != "false") {
    return WrongUsage("unsupported value " + value + ", server MTLS can be set to true or false");
  }
  return Done("Server MTLS config updated", {{"mtls", value == "true"}},
              client->UpdateMtlsConfig(value == "true"));
}

Outcome Set(const CommandContext& context, const CommandArguments& arguments) {
  const bool auth = arguments[0] == "auth";
  if (!auth && arguments[0] != "mtls") {
    return WrongUsage("unsupported " + arguments[0] +
                      " config item, supported config items: auth or mtls");
  }
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  return auth ? SetAuth(*client, arguments[1]) : SetMtls(*client, arguments[1]);
}

enum class Colour : uint8_t { kWhite, kGreen, kRed, kPurple, kYellow };

// Colours only on a terminal; without them, what a colour would say of a node is said in words.
class TreeText {
 public:
  explicit TreeText(bool colours) : colours_(colours) {
    Add(Colour::kWhite, "white: stored\n");
    Add(Colour::kGreen, "green: in memory\n");
    Add(Colour::kRed, "red: the root\n");
    Add(Colour::kPurple, "purple: the root, in memory\n");
    text_ += "*: belongs to a key\n";
    if (!colours_) text_ = "*: belongs to a key\n";
  }

  void AddLayer(size_t layer) { Add(Colour::kYellow, "Layer " + std::to_string(layer) + '\n'); }

  void AddNode(const TreeNode& node) {
    std::string line = ToHex(node.hash) + " [";
    for (const char byte : node.storage_key) {
      if (line.back() != '[') line += ' ';
      line += std::to_string(static_cast<unsigned char>(byte));
    }
    line += ']';
    if (!node.key.empty()) line += '*';
    if (!colours_ && node.root) line += " root";
    const Colour colour = node.root ? (node.cached ? Colour::kPurple : Colour::kRed)
                                    : (node.cached ? Colour::kGreen : Colour::kWhite);
    Add(colour, line + '\n');
  }

  std::string Take() {
    text_.pop_back();
    return std::move(text_);
  }

 private:
  void Add(Colour colour, const std::string& line) {
    constexpr const char* kCodes[] = {"\033[37m", "\033[32m", "\033[31m", "\033[35m", "\033[33m"};
    if (colours_) text_ += kCodes[static_cast<size_t>(colour)];
    text_ += line;
    if (colours_) text_ += "\033[0m";
  }

  const bool colours_;
  std::string text_;
};

Outcome Print(const CommandContext& context, const CommandArguments& /*arguments*/) {
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto layers = (*client)->PrintTree();
  if (!layers.ok()) return Failed(layers.status());
  TreeText text(context.streams().out_is_terminal && UseColour(STDOUT_FILENO));
  Outcome outcome{.list = true};
  for (size_t layer = 0; layer < layers->size(); ++layer) {
    text.AddLayer(layer);
    for (size_t position = 0; position < (*layers)[layer].size(); ++position) {
      const TreeNode& node = (*layers)[layer][position];
      text.AddNode(node);
      Json json{{"layer", layer}, {"position", position}, {"hash", ToHex(node.hash)}};
      json["root"] = node.root;
      if (!node.key.empty()) AddBytes("key", node.key, ByteForm::kText, &json);
      outcome.results.push_back(std::move(json));
    }
  }
  outcome.text = text.Take();
  return outcome;
}

}  // namespace

std::vector<Command> ServerCommands() {
  return {
      {{.name = "set",
        .arguments = "auth none|password | mtls true|false",
        .min_arguments = 2,
        .max_arguments = 2,
        .help = "Write a setting into the server's configuration file, for its next start"},
       Set},
      {{.name = "print", .alias = "prt", .help = "Show the Merkle tree of the selected database"},
       Print}};
}

}  // namespace immudb
