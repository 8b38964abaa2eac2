// SPDX-License-Identifier: Apache-2.0
#include "demo/dpkg_status.h"

#include <fstream>

namespace immudb::demo {
namespace {

// "" if the line is not this field.
std::string FieldOf(const std::string& line, const std::string& name) {
  return line.starts_with(name + ": ") ? line.substr(name.size() + 2) : std::string();
}

}  // namespace

Result<std::vector<KeyValue>> ReadPackageRecords(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Status::IoError("cannot read " + path);
  std::vector<KeyValue> records;
  std::string name;
  std::string architecture;
  std::string paragraph;
  const auto finish = [&] {
    if (!name.empty()) records.push_back({"package/" + name + "/" + architecture, paragraph});
    name.clear();
    architecture.clear();
    paragraph.clear();
  };
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) {
      finish();
      continue;
    }
    if (auto value = FieldOf(line, "Package"); !value.empty()) name = value;
    if (auto value = FieldOf(line, "Architecture"); !value.empty()) architecture = value;
    paragraph += line;
    paragraph += '\n';
  }
  finish();
  if (records.empty()) return Status::IoError(path + " holds no package");
  return records;
}

}  // namespace immudb::demo
