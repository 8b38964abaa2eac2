// SPDX-License-Identifier: Apache-2.0
#include "cli/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

namespace immudb {
namespace {

// The level in the words of the contract.
class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    std::string_view name = "INFO";
    if (message.level >= spdlog::level::err) name = "ERROR";
    if (message.level == spdlog::level::warn) name = "WARNING";
    if (message.level <= spdlog::level::debug) name = "DEBUG";
    out.append(name.data(), name.data() + name.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>();
  }
};

std::optional<spdlog::level::level_enum> LevelOf(std::string_view name) {
  if (name == "error") return spdlog::level::err;
  if (name == "warn" || name == "warning") return spdlog::level::warn;
  if (name == "info" || name.empty()) return spdlog::level::info;
  if (name == "debug") return spdlog::level::debug;
  return std::nullopt;
}

// spdlog reads '%' in its pattern.
std::string Escaped(const std::string& prefix) {
  std::string text;
  for (const char c : prefix) text += c == '%' ? std::string("%%") : std::string(1, c);
  return text;
}

}  // namespace

Status StartLogging(const std::string& prefix, std::string_view level) {
  try {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<LevelFlag>('*').set_pattern(Escaped(prefix) + " %Y/%m/%d %H:%M:%S %*: %v");
    auto logger =
        std::make_shared<spdlog::logger>(prefix, std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_formatter(std::move(formatter));
    logger->set_level(LevelOf(level).value_or(spdlog::level::info));
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& error) {
    return Status::IoError(error.what());
  }
  if (LevelOf(level)) return Status::Ok();
  return Status::InvalidArgument("LOG_LEVEL=" + std::string(level) +
                                 " is not one of error, warn, info, debug: info is used");
}

}  // namespace immudb
