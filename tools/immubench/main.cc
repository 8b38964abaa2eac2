// SPDX-License-Identifier: Apache-2.0
//
// immubench: rates and latencies of the store in process and of the daemon over gRPC, beside a bare
// gRPC echo in the same run. Everything runs on 127.0.0.1 and ends by itself.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <thread>

#include "immubench/suites.h"

int main(int argc, char** argv) {
  immudb::bench::SuiteOptions options;
  bool echo_server = false;
  bool skip_in_process = false;
  bool skip_grpc = false;
  CLI::App app("Benchmarks of immudb");
  app.add_option("--server", options.server, "path of the immudb program");
  app.add_option("--dir", options.directory, "where to put the data (default: a temporary folder)");
  app.add_option("--seconds", options.seconds, "length of a line")->check(CLI::Range(0.1, 60.0));
  app.add_option("--in-flight", options.in_flight, "calls in flight")->delimiter(',');
  app.add_option("--sync", options.sync, "fdatasync before a write is acknowledged");
  app.add_flag("--skip-in-process", skip_in_process);
  app.add_flag("--skip-grpc", skip_grpc);
  app.add_flag("--echo-server", echo_server)->group("");
  CLI11_PARSE(app, argc, argv);
  if (echo_server) return immudb::bench::ServeEcho();

  options.self = std::filesystem::read_symlink("/proc/self/exe");
  std::string pattern = (options.directory.empty() ? std::string("/var/tmp") : options.directory) +
                        "/immubench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    fmt::print(stderr, "cannot make a folder {}\n", pattern);
    return 1;
  }
  options.directory = pattern;
  fmt::print("{} cores; fsync {}; {} s a line\n", std::thread::hardware_concurrency(),
             options.sync ? "on" : "off", options.seconds);
  int code = 0;
  if (!skip_in_process) code |= RunInProcess(options);
  if (!skip_grpc && !options.server.empty()) code |= RunOverGrpc(options);
  std::filesystem::remove_all(options.directory);
  return code;
}
