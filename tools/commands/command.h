// SPDX-License-Identifier: Apache-2.0
//
// What a command of a command line program is: it reads its arguments and flags from a
// CommandContext and leaves an Outcome, which is printed (output.h) in the form that was asked for.
#pragma once

#include <atomic>
#include <iosfwd>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/option_table.h"
#include "immudb/client.h"

namespace immudb {

using Json = nlohmann::ordered_json;

// A connection that is made when it is first needed and then kept. Not thread-safe.
class Session {
 public:
  enum class Kind : uint8_t {
    kClient,
    // Has a token file of its own, "<tokenfile>_admin", trusts no roots and also connects to a
    // server that calls itself unhealthy, to look at what is wrong.
    kAdministrator,
  };

  // `settings` (address, TLS, token file; of a client the directory of roots) must outlive the
  // session.
  explicit Session(const Settings& settings, Kind kind = Kind::kClient)
      : settings_(settings), kind_(kind) {}

  Result<Client*> Connected();
  // Forgets connection and token; the next Connected() starts anew from the token file.
  void Disconnect() { client_.reset(); }
  std::string TokenFile() const;
  // For the user, about the connection; empty when there is nothing new to say.
  std::string TakeNote();

 private:
  const Settings& settings_;
  const Kind kind_;
  std::unique_ptr<Client> client_;
  std::string note_;
};

// What a command may read and write beside its Outcome. Only commands whose result does not fit in
// memory (export), or that run on (audit-mode), write to `out`.
struct Streams {
  std::istream* in = nullptr;  // for values given as "-"; null: it belongs to a shell
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;  // progress, if it is a terminal
  bool err_is_terminal = false;
  bool out_is_terminal = false;
  // Becomes true when the user wants this call to end (Ctrl-C); looked at between the steps of long
  // commands, which then say how far they came. Null: such commands catch SIGINT themselves.
  const std::atomic<bool>* interrupted = nullptr;
};

// What one call works with. The settings are those of this call: flags given with it included.
class CommandContext {
 public:
  // All must outlive the context.
  CommandContext(Session& session, const Settings& settings, const Streams& streams)
      : session_(session), settings_(settings), streams_(streams) {}

  const Settings& settings() const { return settings_; }
  const Streams& streams() const { return streams_; }
  Session& session() const { return session_; }
  bool value_only() const { return settings_.Bool("value-only"); }
  Result<Client*> Connected() const { return session_.Connected(); }

 private:
  Session& session_;
  const Settings& settings_;
  const Streams& streams_;
};

// What a command leaves behind, for every form of output. A failed verification has both results
// and an error.
struct Outcome {
  std::string text = {};  // --output text; a newline is added
  // --output json and jsonl: one object each. `list`: json shows an array, of one or none too.
  std::vector<Json> results = {};
  bool list = false;
  // --output raw: the bytes of the values, nothing added; none: as text.
  std::optional<std::string> raw = {};
  bool printed = false;   // the command wrote its result to `out` itself
  Status status = {};     // for stderr and the exit code
  bool usage = false;     // the status says that the command line was wrong: exit code 2
  std::string note = {};  // for stderr, whatever the status
};

using CommandArguments = std::vector<std::string>;

struct Command {
  CommandSpec spec;
  Outcome (*run)(const CommandContext& context, const CommandArguments& arguments);
  bool in_shell = true;  // can it be called inside the shell?
};

// Commands that both immuclient and immuadmin have: database, user.
std::vector<Command> AdministrationCommands();

}  // namespace immudb
