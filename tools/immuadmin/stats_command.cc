// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>
#include <utility>

#include "cli/option_table.h"
#include "commands/command.h"
#include "commands/command_util.h"
#include "commands/output.h"
#include "immuadmin/machine_commands.h"
#include "immuadmin/stats/server_stats.h"
#include "immuadmin/stats/stats_source.h"
#include "immudb/client.h"
#include "immudb/status.h"
#include "support/connection_options.h"

namespace immudb {
namespace {

Outcome Stats(const CommandContext& context, const CommandArguments&) {
  const Settings& settings = context.settings();
  const auto connection = ToClientOptions(settings);
  if (!connection.ok()) return Failed(connection.status());
  StatsSource source{.address = connection->address,
                     .port = static_cast<int>(settings.Int("metrics-port")),
                     .tls = connection->tls.has_value()};
  if (source.tls) {
    source.authorities = connection->tls->authorities;
    source.certificate = connection->tls->certificate;
    source.key = connection->tls->key;
    source.server_name = connection->tls->server_name;
  }
  if (settings.Bool("raw")) {
    const auto page = FetchMetricsPage(source);
    if (!page.ok()) return Failed(page.status());
    return Said(page->substr(0, page->find_last_not_of('\n') + 1), {{"page", *page}});
  }
  const bool screen = !settings.Bool("text") && OutputFormOf(settings) == OutputForm::kText;
  if (screen) {
    const Status shown = ShowStatsScreen(source);
    if (!shown.ok()) return Failed(shown);
    return {.printed = true};
  }
  const auto stats = FetchStats(source);
  if (!stats.ok()) return Failed(stats.status());
  std::string text = StatsText(*stats, std::chrono::system_clock::now());
  text.pop_back();  // the newline, which is added
  return Said(std::move(text), StatsJson(*stats));
}

}  // namespace

Command StatsCommand() {
  return {{.name = "stats",
           .alias = "s",
           .help = "Show the statistics of the server: on the whole screen, as text or as JSON",
           .options = {{.name = "text",
                        .short_name = 't',
                        .type = OptionType::kBool,
                        .default_value = "false",
                        .help = "as lines of text"},
                       {.name = "raw",
                        .short_name = 'r',
                        .type = OptionType::kBool,
                        .default_value = "false",
                        .help = "the metrics page as it is"},
                       {.name = "metrics-port",
                        .type = OptionType::kInt,
                        .default_value = "9497",
                        .help = "where the server publishes its metrics",
                        .min = 1,
                        .max = 65535}}},
          Stats};
}

}  // namespace immudb
