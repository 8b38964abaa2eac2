// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "immudb/status.h"

namespace immudb {

// A series of a metrics page, in the text format of Prometheus.
struct Sample {
  std::string name;
  std::map<std::string, std::string, std::less<>> labels;
  double value = 0;

  // "" if there is no such label.
  std::string_view Label(std::string_view name) const;
};

// In the order of the page. kInvalidArgument, naming the line, if it is no such page.
Result<std::vector<Sample>> ParseMetricsPage(std::string_view text);

}  // namespace immudb
