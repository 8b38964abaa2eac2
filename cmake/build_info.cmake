# Run at each build: cmake -DOUTPUT=... -DSOURCE=... -DCOMMIT=... -P build_info.cmake
# Writes the header with commit and build date. It is left alone while the commit stays the same, so
# that a build without changes rebuilds nothing; SOURCE_DATE_EPOCH makes the date reproducible.

if(NOT COMMIT)
  find_package(Git QUIET)
  if(GIT_FOUND AND EXISTS "${SOURCE}/.git")
    execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE} rev-parse HEAD
      OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()

set(key "// ${COMMIT} $ENV{SOURCE_DATE_EPOCH}\n")
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" old)
  string(FIND "${old}" "${key}" position)
  if(position EQUAL 0)
    return()
  endif()
endif()

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S UTC" UTC)
string(TIMESTAMP day "%Y-%m-%d" UTC)
file(WRITE "${OUTPUT}" "${key}#pragma once
#include <string_view>
namespace immudb {
inline constexpr std::string_view kBuildCommit = \"${COMMIT}\";
inline constexpr std::string_view kBuildDate = \"${date}\";
inline constexpr std::string_view kBuildDay = \"${day}\";
}  // namespace immudb
")
