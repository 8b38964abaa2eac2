// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/byte_form.h"
#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "immudb/verify.h"

namespace immudb {
namespace {

constexpr uint64_t kItemsWithoutLimit = 104'857;  // of a server that is asked for no limit
constexpr uint64_t kFirstPage = 1024;

// Each item is followed by an empty line; `none` is shown instead of nothing.
Outcome ShowItems(const CommandContext& context, const Result<std::vector<Item>>& items,
                  const char* none) {
  if (!items.ok()) return Failed(items.status());
  Outcome outcome{.list = true, .raw = ""};
  for (const auto& item : *items) {
    AddItem(context.settings(), item, ValueForm::kStructured, std::nullopt, &outcome);
    outcome.text += '\n';
  }
  if (items->empty()) outcome.text = none;
  return outcome;
}

// In pages if it is more than a message holds. A deep one cannot go on behind an item: its key is
// not that of the reference which was listed.
Result<std::vector<Item>> ScanInPages(Client& client, ScanQuery query) {
  auto whole = client.Scan(query);
  if (whole.status().code() != StatusCode::kResourceExhausted || query.deep) return whole;
  uint64_t left = query.limit == 0 ? kItemsWithoutLimit : query.limit;
  uint64_t page = std::min(left, kFirstPage);
  std::vector<Item> items;
  while (left > 0) {
    query.limit = std::min(page, left);
    auto found = client.Scan(query);
    if (found.status().code() == StatusCode::kResourceExhausted && query.limit > 1) {
      page = query.limit / 2;
      continue;
    }
    if (!found.ok()) return found;
    const bool last = found->size() < query.limit;
    if (!found->empty()) query.offset = found->back().key;
    left -= std::min<uint64_t>(left, found->size());
    std::ranges::move(*found, std::back_inserter(items));
    if (last) break;
  }
  return items;
}

Outcome Scan(const CommandContext& context, const CommandArguments& arguments) {
  const Settings& settings = context.settings();
  auto prefix = BytesArgument(context, arguments.empty() ? "" : arguments[0], "prefix");
  if (!prefix.ok()) return WrongUsage(prefix.status().message());
  auto offset = BytesArgument(context, settings.Text("offset"), "offset");
  if (!offset.ok()) return WrongUsage(offset.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  return ShowItems(context,
                   ScanInPages(**client, {.prefix = *std::move(prefix),
                                          .offset = *std::move(offset),
                                          .limit = static_cast<uint64_t>(settings.Int("limit")),
                                          .reverse = settings.Bool("reverse"),
                                          .deep = settings.Bool("deep")}),
                   "0");
}

// A member is known by its score and key; the server wants both, with the set, in one.
Result<std::string> MemberOffset(const CommandContext& context, const std::string& set) {
  const Settings& settings = context.settings();
  const std::string& score = settings.Text("offset-score");
  if (settings.Text("offset").empty() && score.empty()) return std::string();
  if (settings.Text("offset").empty() || score.empty()) {
    return Status::InvalidArgument("options offset and offset-score: one needs the other");
  }
  const auto number = ParseScore(score);
  if (!number.ok()) return number.status();
  const auto key = BytesArgument(context, settings.Text("offset"), "offset");
  if (!key.ok()) return key.status();
  return SortedSetKey(set, *number, *key);
}

Outcome ZScan(const CommandContext& context, const CommandArguments& arguments) {
  const Settings& settings = context.settings();
  auto set = BytesArgument(context, arguments[0], "setname");
  if (!set.ok()) return WrongUsage(set.status().message());
  auto offset = MemberOffset(context, *set);
  if (!offset.ok()) return WrongUsage(offset.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  return ShowItems(context,
                   (*client)->ZScan({.set = *std::move(set),
                                     .offset = *std::move(offset),
                                     .limit = static_cast<uint64_t>(settings.Int("limit")),
                                     .reverse = settings.Bool("reverse")}),
                   "0");
}

Outcome IScan(const CommandContext& context, const CommandArguments& arguments) {
  const auto page = ParseNumber(arguments[0], "page number");
  if (!page.ok()) return WrongUsage(page.status().message());
  const auto size = ParseNumber(arguments[1], "page size");
  if (!size.ok()) return WrongUsage(size.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  auto found = (*client)->IScan(*page, *size);
  if (!found.ok()) return Failed(found.status());
  return ShowItems(context, std::move(found->items), "0");
}

// All versions are shown whole, whatever --value-only says.
Outcome History(const CommandContext& context, const CommandArguments& arguments) {
  const auto key = BytesArgument(context, arguments[0], "key");
  if (!key.ok()) return WrongUsage(key.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto items = (*client)->History(*key);
  Outcome outcome = ShowItems(context, items, "No item found \n");
  if (!items.ok() || items->empty() || !context.value_only()) return outcome;
  const ByteForm bytes = ByteFormOf(context.settings());
  outcome.text.clear();
  outcome.results.clear();
  for (const auto& item : *items) {
    outcome.text += ItemBlock(item, ValueForm::kStructured, std::nullopt, bytes) + '\n';
    outcome.results.push_back(ItemJson(item, ValueForm::kStructured, std::nullopt, bytes));
  }
  return outcome;
}

Outcome Count(const CommandContext& context, const CommandArguments& arguments) {
  const auto prefix = BytesArgument(context, arguments.empty() ? "" : arguments[0], "prefix");
  if (!prefix.ok()) return WrongUsage(prefix.status().message());
  const auto client = context.Connected();
  if (!client.ok()) return Failed(client.status());
  const auto count = (*client)->Count(*prefix);
  if (!count.ok()) return Failed(count.status());
  return Said(std::to_string(*count), {{"count", *count}});
}

CommandSpec ScanSpec() {
  CommandSpec spec{.name = "scan",
                   .alias = "scn",
                   .arguments = "[prefix]",
                   .max_arguments = 1,
                   .help = "List the items whose keys have the prefix",
                   .options = PageOptions("start behind this key")};
  spec.options.push_back({.name = "deep",
                          .type = OptionType::kBool,
                          .default_value = "false",
                          .help = "also references and set members, as what they point to"});
  return spec;
}

CommandSpec ZScanSpec() {
  CommandSpec spec{
      .name = "zscan",
      .alias = "zscn",
      .arguments = "setname",
      .min_arguments = 1,
      .max_arguments = 1,
      .help = "List the items of a sorted set by their scores",
      .options = PageOptions("start behind the member with this key and offset-score")};
  spec.options.push_back({.name = "offset-score", .help = "the score of the member offset"});
  return spec;
}

}  // namespace

std::vector<Command> ListCommands() {
  return {{ScanSpec(), Scan},
          {ZScanSpec(), ZScan},
          {{.name = "iscan",
            .alias = "iscn",
            .arguments = "pagenumber pagesize",
            .min_arguments = 2,
            .max_arguments = 2,
            .help = "List the entries in the order they were written; pages start at 1"},
           IScan},
          {{.name = "history",
            .alias = "h",
            .arguments = "key",
            .min_arguments = 1,
            .max_arguments = 1,
            .help = "List all versions of an item, newest first"},
           History},
          {{.name = "count",
            .alias = "cnt",
            .arguments = "[prefix]",
            .max_arguments = 1,
            .help = "Count the keys that have the prefix"},
           Count}};
}

}  // namespace immudb
