// SPDX-License-Identifier: Apache-2.0
#include "support/certificates.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace immudb::testing {

int Certificates::Generate(const std::vector<std::string>& arguments, std::string* output) const {
  std::string command = IMMUDB_GENERATE_CERTIFICATES " --out '" + directory_.path() + "'";
  for (const auto& argument : arguments) command += " '" + argument + "'";
  command += " 2>&1";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return -1;
  std::string text;
  std::array<char, 1024> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
  const int status = ::pclose(pipe);
  if (output != nullptr) *output = text;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Certificates::MustGenerate(const std::vector<std::string>& arguments) const {
  std::string output;
  if (Generate(arguments, &output) == 0) return;
  std::fputs(output.c_str(), stderr);
  std::abort();
}

std::string Certificates::authorities() const {
  return directory_.File("2_intermediate/certs/ca-chain.cert.pem");
}
std::string Certificates::server_certificate(const std::string& name) const {
  return directory_.File("3_application/certs/" + name + ".cert.pem");
}
std::string Certificates::server_key(const std::string& name) const {
  return directory_.File("3_application/private/" + name + ".key.pem");
}
std::string Certificates::client_certificate(const std::string& name) const {
  return directory_.File("4_client/certs/" + name + ".cert.pem");
}
std::string Certificates::client_key(const std::string& name) const {
  return directory_.File("4_client/private/" + name + ".key.pem");
}

std::string ContentOf(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void Overwrite(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace immudb::testing
