// SPDX-License-Identifier: Apache-2.0
#include "support/systemd_service.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/status_macros.h"

namespace immudb {
namespace {

namespace fs = std::filesystem;

constexpr char kUser[] = "immu";
constexpr char kOwnExecutable[] = "X-Immudb-Executable=installed";
constexpr char kOwnConfig[] = "X-Immudb-Config=installed";

// What any service of ours can do without.
constexpr char kHardening[] =
    "NoNewPrivileges=yes\n"
    "CapabilityBoundingSet=\n"
    "ProtectSystem=strict\n"
    "ProtectHome=yes\n"
    "PrivateTmp=yes\n"
    "PrivateDevices=yes\n"
    "ProtectClock=yes\n"
    "ProtectHostname=yes\n"
    "ProtectKernelTunables=yes\n"
    "ProtectKernelModules=yes\n"
    "ProtectKernelLogs=yes\n"
    "ProtectControlGroups=yes\n"
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n"
    "RestrictNamespaces=yes\n"
    "RestrictRealtime=yes\n"
    "RestrictSUIDSGID=yes\n"
    "LockPersonality=yes\n"
    "SystemCallArchitectures=native\n"
    "SystemCallFilter=@system-service\n"
    "UMask=0027\n";

Status Failed(const std::string& what, const std::string& path, const std::error_code& error) {
  return Status::IoError(what + ' ' + path + ": " + error.message());
}

std::string Content(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

// Never follows a link that somebody put there, never shows half a file.
Status WriteWhole(const std::string& path, const std::string& content, mode_t mode) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return Failed("cannot make the directory of", path, error);
  const std::string temporary = path + ".new";
  fs::remove(temporary, error);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return Failed("cannot write", path, {errno, std::generic_category()});
  size_t written = 0;
  while (written < content.size()) {
    const ssize_t n = ::write(fd, content.data() + written, content.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    written += static_cast<size_t>(n);
  }
  ::fchmod(fd, mode);
  const bool synced = written == content.size() && ::fsync(fd) == 0;
  const std::error_code why(errno, std::generic_category());
  ::close(fd);
  if (synced) {
    fs::rename(temporary, path, error);
    if (!error) return Status::Ok();
  }
  const Status failed = Failed("cannot write", path, synced ? error : why);
  fs::remove(temporary, error);
  return failed;
}

Status RemoveFile(const std::string& path) {
  std::error_code error;
  fs::remove(path, error);
  return error ? Failed("cannot remove", path, error) : Status::Ok();
}

Result<CommandResult> RunChild(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Status::IoError("cannot make a pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  CommandResult result;
  char buffer[4096];
  for (ssize_t n = 0; error == 0 && (n = ::read(ends[0], buffer, sizeof(buffer))) > 0;) {
    result.output.append(buffer, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  if (error != 0) {
    return Status::IoError("cannot run " + command[0] + ": " +
                           std::generic_category().message(error));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  while (result.output.ends_with('\n')) result.output.pop_back();
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace

ServiceSurroundings ServiceSurroundings::OfProcess(std::string root) {
  return {.root = std::move(root), .is_root = ::geteuid() == 0, .run = RunChild};
}

SystemdService::SystemdService(ServiceSpec spec, ServiceSurroundings surroundings)
    : spec_(std::move(spec)), surroundings_(std::move(surroundings)) {}

std::string SystemdService::UnitPath() const {
  return Real("/etc/systemd/system/" + spec_.name + ".service");
}

bool SystemdService::IsInstalled() const {
  std::error_code error;
  return fs::exists(UnitPath(), error);
}

bool SystemdService::UnitHas(const std::string& line) const {
  return ('\n' + Content(UnitPath())).find('\n' + line + '\n') != std::string::npos;
}

std::string SystemdService::Unit(bool own_executable, bool own_config) const {
  std::string unit = "[Unit]\nDescription=" + spec_.description + '\n';
  unit += "Wants=network-online.target\nAfter=network-online.target\n";
  if (own_executable) unit += std::string(kOwnExecutable) + '\n';
  if (own_config) unit += std::string(kOwnConfig) + '\n';
  unit += "\n[Service]\n";
  unit += spec_.notifies ? "Type=notify\nNotifyAccess=main\nTimeoutStartSec=infinity\n"
                         : "Type=simple\n";
  unit += "ExecStart=" + spec_.executable + ' ' + spec_.arguments + '\n';
  unit += "Restart=on-failure\nRestartSec=5\nTimeoutStopSec=30\nLimitNOFILE=65536\n";
  unit += std::string("User=") + kUser + "\nGroup=" + kUser + '\n';
  unit += "StateDirectory=" + spec_.state_directory + "\nStateDirectoryMode=0750\n";
  unit += "LogsDirectory=" + spec_.logs_directory + "\nLogsDirectoryMode=0750\n";
  unit += kHardening;
  return unit + "\n[Install]\nWantedBy=multi-user.target\n";
}

Result<CommandResult> SystemdService::Run(const std::vector<std::string>& command) {
  return surroundings_.run(command);
}

// With a directory in place of /, nothing of the running machine is spoken to.
std::vector<std::string> SystemdService::Systemctl(std::vector<std::string> words) const {
  if (!surroundings_.root.empty()) words.insert(words.begin(), "--root=" + surroundings_.root);
  words.insert(words.begin(), "systemctl");
  return words;
}

std::vector<std::string> SystemdService::AccountCommand(std::vector<std::string> words) const {
  if (!surroundings_.root.empty()) {
    words.insert(words.begin() + 1, {"--prefix", surroundings_.root});
  }
  return words;
}

Status SystemdService::Expect(const std::vector<std::string>& command) {
  const auto result = Run(command);
  IMMUDB_RETURN_IF_ERROR(result);
  if (result->exit_code == 0) return Status::Ok();
  std::string words;
  for (const auto& word : command) words += word + ' ';
  words.back() = ':';
  return Status::IoError(
      words + ' ' +
      (result->output.empty() ? "exit code " + std::to_string(result->exit_code) : result->output));
}

Status SystemdService::Check(bool installed) const {
  if (!surroundings_.is_root) {
    return {StatusCode::kPermissionDenied,
            "you must have root user privileges. Possibly using 'sudo' command should help"};
  }
  std::error_code error;
  if (!fs::exists(Real("/run/systemd/system"), error)) {
    return Status::FailedPrecondition(
        "systemd does not run on this machine; run the program under the service manager that "
        "does");
  }
  if (installed && !IsInstalled()) return Status::FailedPrecondition("Service is not installed");
  return Status::Ok();
}

Result<bool> SystemdService::IsActive() {
  const auto result = Run(Systemctl({"is-active", "--quiet", spec_.name}));
  IMMUDB_RETURN_IF_ERROR(result);
  return result->exit_code == 0;
}

Status SystemdService::EnsureUser() {
  const auto group = Run({"getent", "group", kUser});
  IMMUDB_RETURN_IF_ERROR(group);
  if (group->exit_code != 0)
    IMMUDB_RETURN_IF_ERROR(Expect(AccountCommand({"groupadd", "--system", kUser})));
  const auto user = Run({"getent", "passwd", kUser});
  IMMUDB_RETURN_IF_ERROR(user);
  if (user->exit_code == 0) return Status::Ok();
  return Expect(
      AccountCommand({"useradd", "--system", "--gid", kUser, "--no-create-home", "--home-dir",
                      "/nonexistent", "--shell", "/usr/sbin/nologin", kUser}));
}

// True if the file at the end is ours to remove.
Result<bool> SystemdService::InstallExecutable(const std::string& source) {
  const std::string target = Real(spec_.executable);
  std::error_code error;
  if (fs::exists(target, error)) {
    if (fs::equivalent(source, target, error) || Content(source) == Content(target)) return false;
    return Status::FailedPrecondition(
        spec_.executable + " is another program or version, which this command did not install; " +
        "remove it first, or install with that program");
  }
  const std::string content = Content(source);
  if (content.empty()) {
    return Status::FailedPrecondition("executable file does not exists or not provided");
  }
  IMMUDB_RETURN_IF_ERROR(WriteWhole(target, content, 0755));
  return true;
}

Result<bool> SystemdService::InstallConfig(const std::string& content) {
  const std::string target = Real(spec_.config);
  std::error_code error;
  if (fs::exists(target, error)) return false;
  IMMUDB_RETURN_IF_ERROR(WriteWhole(target, content, 0640));
  IMMUDB_RETURN_IF_ERROR(Expect({"chown", std::string("root:") + kUser, target}));
  return true;
}

Status SystemdService::Install(const std::string& source, const std::string& config_content) {
  IMMUDB_RETURN_IF_ERROR(Check(false));
  if (IsInstalled()) return Status::FailedPrecondition("Service has already been installed");
  IMMUDB_RETURN_IF_ERROR(EnsureUser());
  const auto own_executable = InstallExecutable(source);
  IMMUDB_RETURN_IF_ERROR(own_executable);
  const auto own_config = InstallConfig(config_content);
  Status status = own_config.status();
  if (status.ok()) status = WriteWhole(UnitPath(), Unit(*own_executable, *own_config), 0644);
  if (status.ok()) status = Expect(Systemctl({"daemon-reload"}));
  if (status.ok()) status = Expect(Systemctl({"enable", spec_.name}));
  if (status.ok()) return status;
  // Nothing is left half done.
  std::error_code ignored;
  if (*own_executable) fs::remove(Real(spec_.executable), ignored);
  if (own_config.ok() && *own_config) fs::remove(Real(spec_.config), ignored);
  fs::remove(UnitPath(), ignored);
  return status;
}

Status SystemdService::Uninstall() {
  IMMUDB_RETURN_IF_ERROR(Check(true));
  const auto active = IsActive();
  IMMUDB_RETURN_IF_ERROR(active);
  if (*active) IMMUDB_RETURN_IF_ERROR(Expect(Systemctl({"stop", spec_.name})));
  IMMUDB_RETURN_IF_ERROR(Expect(Systemctl({"disable", spec_.name})));
  if (UnitHas(kOwnConfig)) {
    IMMUDB_RETURN_IF_ERROR(RemoveFile(Real(spec_.config)));
    // Only if nothing else is in it.
    ::rmdir(fs::path(Real(spec_.config)).parent_path().c_str());
  }
  if (UnitHas(kOwnExecutable)) IMMUDB_RETURN_IF_ERROR(RemoveFile(Real(spec_.executable)));
  IMMUDB_RETURN_IF_ERROR(RemoveFile(UnitPath()));
  return Expect(Systemctl({"daemon-reload"}));
}

Status SystemdService::EraseData() {
  const std::string directory = Real("/var/lib/" + spec_.state_directory);
  std::error_code error;
  fs::remove_all(directory, error);
  return error ? Failed("cannot remove", directory, error) : Status::Ok();
}

Status SystemdService::Start() {
  IMMUDB_RETURN_IF_ERROR(Check(true));
  const auto active = IsActive();
  IMMUDB_RETURN_IF_ERROR(active);
  if (*active) return Status::FailedPrecondition("Service is already running");
  return Expect(Systemctl({"start", spec_.name}));
}

Status SystemdService::Stop() {
  IMMUDB_RETURN_IF_ERROR(Check(true));
  const auto active = IsActive();
  IMMUDB_RETURN_IF_ERROR(active);
  if (!*active) return Status::FailedPrecondition("Service has already been stopped");
  return Expect(Systemctl({"stop", spec_.name}));
}

Status SystemdService::Restart() {
  IMMUDB_RETURN_IF_ERROR(Check(true));
  return Expect(Systemctl({"restart", spec_.name}));
}

Result<std::string> SystemdService::StatusText() {
  IMMUDB_RETURN_IF_ERROR(Check(true));
  const auto active = IsActive();
  IMMUDB_RETURN_IF_ERROR(active);
  if (!*active) return std::string("Service is stopped");
  const auto pid = Run(Systemctl({"show", "--property", "MainPID", "--value", spec_.name}));
  IMMUDB_RETURN_IF_ERROR(pid);
  if (pid->exit_code != 0 || pid->output.empty() || pid->output == "0") {
    return std::string("Service is running...");
  }
  return "Service (pid  " + pid->output + ") is running...";
}

}  // namespace immudb
