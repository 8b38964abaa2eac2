// SPDX-License-Identifier: Apache-2.0
#include "cli/config_file.h"

#include "base/file_system.h"

namespace immudb {

Result<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path, std::string_view program) {
  const auto failed = [&path](const std::string& why) {
    return Status::FailedPrecondition("configuration file " + path + ": " + why);
  };
  const bool toml = path.ends_with(".toml");
  if (!toml && !path.ends_with(".ini")) return failed("the name must end in .toml or .ini");
  const auto content = ReadFile(FileSystem::Real(), path);
  if (!content.ok()) {
    const bool missing = content.status().code() == StatusCode::kNotFound;
    return failed(missing ? "no such file" : content.status().message());
  }
  auto entries = toml ? ParseToml(*content) : ParseIni(*content, program);
  if (!entries.ok()) return failed(entries.status().message());
  return entries;
}

}  // namespace immudb
