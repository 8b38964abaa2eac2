// SPDX-License-Identifier: Apache-2.0
#include "cli/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>

#include <ctime>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/log_event.h"
#include "base/status_macros.h"
#include "cli/queued_log_sink.h"

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

std::unique_ptr<spdlog::formatter> TextFormatter(const LogOptions& options) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  const std::string prefix = Escaped(options.prefix) + (options.file.empty() ? " " : "");
  formatter->add_flag<LevelFlag>('*').set_pattern(prefix + "%Y/%m/%d %H:%M:%S %*: %v");
  return formatter;
}

// One object a line, valid whatever the message holds.
class JsonFormatter final : public spdlog::formatter {
 public:
  JsonFormatter() { time_.set_pattern("{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",\"level\":\""); }
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    time_.format(message, out);
    Append(LowerLevelName(message.level), out);
    Append("\",\"message\":", out);
    Append(Quoted({message.payload.data(), message.payload.size()}), out);
    if (const LogEvent* event = LogEvent::Current()) AppendMembers(*event, out);
    Append("}\n", out);
  }
  std::unique_ptr<formatter> clone() const override { return std::make_unique<JsonFormatter>(); }

 private:
  static std::string_view LowerLevelName(spdlog::level::level_enum level) {
    if (level >= spdlog::level::err) return "error";
    if (level == spdlog::level::warn) return "warning";
    return level == spdlog::level::info ? "info" : "debug";
  }
  static void AppendMembers(const LogEvent& event, spdlog::memory_buf_t& out) {
    Append(",\"event\":", out);
    Append(Quoted(event.name()), out);
    for (const LogEvent::Field& field : event.fields()) {
      Append(",", out);
      Append(Quoted(field.key), out);
      Append(":", out);
      // Only ASCII: Unicode has line ends of its own, and terminals obey more than those.
      Append(field.number ? field.value : Quoted(field.value, /*ascii=*/true), out);
    }
  }
  static std::string Quoted(std::string_view text, bool ascii = false) {
    const nlohmann::json string((std::string(text)));
    return string.dump(-1, ' ', ascii, nlohmann::json::error_handler_t::replace);
  }
  static void Append(std::string_view text, spdlog::memory_buf_t& out) {
    out.append(text.data(), text.data() + text.size());
  }

  spdlog::pattern_formatter time_{spdlog::pattern_time_type::utc, ""};
};

Result<spdlog::sink_ptr> MakeSink(const LogOptions& options) {
  auto sink = std::make_shared<QueuedLogSink>(options.file, options.take_standard_streams);
  IMMUDB_RETURN_IF_ERROR(sink->Open());
  return spdlog::sink_ptr(std::move(sink));
}

}  // namespace

Status StartLogging(const LogOptions& options) {
  const auto level = LevelOf(options.level);
  try {
    auto sink = MakeSink(options);
    IMMUDB_RETURN_IF_ERROR(sink);
    auto logger = std::make_shared<spdlog::logger>(options.prefix, *std::move(sink));
    logger->set_formatter(options.json ? std::make_unique<JsonFormatter>()
                                       : TextFormatter(options));
    logger->set_level(level.value_or(spdlog::level::info));
    logger->flush_on(spdlog::level::critical);  // the process is about to end
    spdlog::set_default_logger(std::move(logger));
  } catch (const std::exception& error) {  // of spdlog; no thread could be started
    return Status::IoError(std::string("the log cannot be started: ") + error.what());
  }
  if (level) return Status::Ok();
  return Status::InvalidArgument("LOG_LEVEL=" + options.level +
                                 " is not one of error, warn, info, debug: info is used");
}

void FlushLog() {
  spdlog::default_logger()->flush();
}

Status ReopenLog() {
  for (const auto& sink : spdlog::default_logger()->sinks()) {
    if (auto* file = dynamic_cast<QueuedLogSink*>(sink.get())) return file->Open();
  }
  return Status::Ok();
}

}  // namespace immudb
