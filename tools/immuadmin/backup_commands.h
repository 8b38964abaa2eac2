// SPDX-License-Identifier: Apache-2.0
//
// What `immuadmin backup` and `immuadmin restore` do with arguments that are parsed already. They
// know neither the option table nor the client: a row of the table puts them together.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/manifest.h"
#include "backup/restore.h"
#include "immudb/status.h"
#include "immudb/store.h"
#include "immudb/types.h"

namespace immudb {

// The world around a command. Null functions: there is no such thing.
struct BackupSurroundings {
  std::istream* in = nullptr;   // answers to questions; null: nobody answers, so nothing is asked
  std::ostream* err = nullptr;  // questions
  int in_descriptor = 0;        // of backups that come as "-"
  int out_descriptor = 1;       // of backups that go to "-"
  std::string time;             // "2026-01-31_12-00-00", local
  // The admin password, asked for and tried before a server is stopped.
  std::function<Status()> authorize;
  // The installed service.
  std::function<Status()> stop_server;
  std::function<Status()> start_server;
  std::function<void(uint64_t bytes, uint64_t total)> progress;
};

struct BackupArguments {
  std::string directory = "./data";  // --dbdir
  // --output-path: a folder, an archive, or "-"; empty: a name made of directory and time, in the
  // working directory.
  std::string output;
  bool uncompressed = false;           // -u: that name is of a folder
  bool offline = false;                // the server is stopped meanwhile, as the original's command
  bool manual_stop_start = false;      // offline, and the user has stopped it
  std::vector<std::string> databases;  // --database; empty: all
  std::string base;                    // --base: a backup or its manifest.json: only what is new
  std::optional<LeafIndex> since;      // --since: only entries from this index on
  bool yes = false;                    // --yes: do not ask
  // Online: the root that the server published; see BackupOptions::root_of.
  std::function<Result<std::optional<VerifyOptions::Trusted>>(const std::string&)> root_of;
};

struct BackupDone {
  std::string path;  // absolute; "-" for a stream
  Manifest manifest;
  std::string text;  // for people
};

// kFailedPrecondition "Canceled" if that was the answer, with the texts of cli.md section 7 if the
// directory cannot be backed up.
Result<BackupDone> RunBackup(const BackupArguments& arguments,
                             const BackupSurroundings& surroundings);

struct RestoreArguments {
  std::string directory = "./data";    // --dbdir
  std::vector<std::string> snapshots;  // a backup and what continues it; "-": a stream
  bool manual_stop_start = false;      // the user has stopped the server, or there is none
  std::vector<std::string> databases;  // --database; empty: all
  bool replace = false;                // --replace: consent to replace databases that exist
  bool new_identity = false;           // --new-identity
  bool yes = false;                    // --yes: stop the server without asking
  std::map<std::string, VerifyOptions::Trusted> trusted;
};

struct RestoreDone {
  std::vector<RestoredDatabase> databases;
  std::string text;
};

Result<RestoreDone> RunRestore(const RestoreArguments& arguments,
                               const BackupSurroundings& surroundings);

// "<database>:<size>:<64 hex digits>", of --trusted-root. kInvalidArgument.
Result<std::pair<std::string, VerifyOptions::Trusted>> ParseTrustedRoot(const std::string& text);

}  // namespace immudb
