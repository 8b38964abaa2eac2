// SPDX-License-Identifier: Apache-2.0
//
// The commands of immuclient as one table: the command line and, later, the shell are made of it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/option_table.h"
#include "immudb/client.h"

namespace immudb {

// What a command works with: the settings, and a connection that is made when it is first needed.
// Not thread-safe.
class CommandContext {
 public:
  // `settings` must outlive the context.
  explicit CommandContext(const Settings& settings) : settings_(settings) {}

  const Settings& settings() const { return settings_; }
  bool value_only() const { return settings_.Bool("value-only"); }

  Result<Client*> Connected();
  // For the user, about the connection; usually empty.
  const std::string& note() const { return note_; }

 private:
  const Settings& settings_;
  std::unique_ptr<Client> client_;
  std::string note_;
};

// What a command leaves behind. A failed verification has both: a text that says so, and an error.
struct Outcome {
  std::string text = {};  // for stdout, which a newline is added to
  Status status = {};     // for stderr and the exit code
  std::string note = {};  // for stderr, whatever the status
};

struct Command {
  CommandSpec spec;
  Outcome (*run)(CommandContext& context, const std::vector<std::string>& arguments);
};

std::span<const Command> Commands();

// Precondition: a name (not an alias) of the table.
const Command* FindCommand(std::string_view name);

}  // namespace immudb
