// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/common.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace immudb {

// A line of the log with fields that programs read:
//
//     LogEvent("slow call").Add("user", user).Add("duration_ms", 123.4).Write(spdlog::level::warn);
//
//     slow call user="a b" duration_ms=123.400
//
// A log in JSON has the fields as members of their own. Values may come from anybody: none can look
// like a second field or a second line. Names and keys are ours: words of lower-case letters, '_'
// within keys.
class LogEvent {
 public:
  // Of longer values the beginning is kept.
  static constexpr size_t kMaxValueBytes = 1024;

  struct Field {
    std::string_view key;
    std::string value;
    bool number = false;  // the value is a number in the form of JSON
  };

  // `name` and the keys outlive the event: literals.
  explicit LogEvent(std::string_view name) : name_(name) {}

  LogEvent& Add(std::string_view key, std::string_view value);
  // With three digits behind the point; `value` is finite.
  LogEvent& Add(std::string_view key, double value);

  std::string_view name() const { return name_; }
  const std::vector<Field>& fields() const { return fields_; }

  // Plain ASCII. A value that is empty or holds a space, a quote, a backslash, '=' or what cannot
  // be printed stands in quotes; within these `"`, `\` and what cannot be printed are \x22, \x5c,
  // \x0a.
  std::string Text() const;

  // To the process's log. Does not throw but for want of memory.
  void Write(spdlog::level::level_enum level) const;

  // What this thread is writing at the moment; null: a line without fields. For the formatters of
  // the log, which run on the thread that writes.
  static const LogEvent* Current();

 private:
  std::string_view name_;
  std::vector<Field> fields_;
};

}  // namespace immudb
