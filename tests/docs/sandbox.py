# SPDX-License-Identifier: Apache-2.0
"""A copy of the checkout in a temporary folder, in which the blocks of one page are run.

One bash runs all blocks of a page in order, so that a folder or a variable that one sets is there
for the next. The programs are those of this build, found as in a checkout: build/release/bin. The
page's text is run as it stands, but for the two default port numbers; whatever can be set by the
environment is.
"""
import ctypes
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pages

PAGE_DEADLINE = 500
START_DEADLINE = STOP_DEADLINE = 60
PAUSE = 0.02
KEPT = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "TMPDIR")
MARK = "\x01"
PORT, METRICS_PORT = "3322", "9497"

_PR_SET_CHILD_SUBREAPER = 36


def free_ports(count):
    """Ports that nobody has. A page starts its server more than once and expects it at the same
    port; so they are taken from below those that the system gives to whoever asks for any."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    taken = []
    while len(taken) < count:
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", random.randrange(10000, lowest)))
            taken.append(probe)
        except OSError:
            probe.close()
    numbers = [probe.getsockname()[1] for probe in taken]
    for probe in taken:
        probe.close()
    return numbers


class Sandbox:
    def __init__(self, folder, programs):
        self.root = Path(folder) / "immudb"
        self.scratch = Path(folder) / "scratch"
        self.scratch.mkdir()
        shutil.copytree(pages.ROOT, self.root, symlinks=True,
                        ignore=lambda where, names: pages.IGNORED & set(names)
                        if Path(where) == pages.ROOT else [])
        (self.root / "build/release").mkdir(parents=True)
        (self.root / "build/release/bin").symlink_to(programs)
        home = Path(folder) / "home"
        home.mkdir()
        first = Path(folder) / "first"  # the python3 that has gRPC, whatever else is installed
        first.mkdir()
        (first / "python3").symlink_to(sys.executable)
        self.ports = dict(zip((PORT, METRICS_PORT), map(str, free_ports(2))))
        self.env = {
            "HOME": str(home), "LANG": "C.UTF-8", "USER": "user",
            "PATH": f"{programs}:{first}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "IMMUDB_ADDRESS": "127.0.0.1",
            "IMMUDB_PORT": self.ports[PORT], "IMMUDB_METRICS_PORT": self.ports[METRICS_PORT],
            "IMMUCLIENT_IMMUDB_PORT": self.ports[PORT],
            "IMMUADMIN_IMMUDB_PORT": self.ports[PORT],
            "IMMUCLIENT_PROMETHEUS_HOST": "127.0.0.1", "IMMUCLIENT_PROMETHEUS_PORT": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            **{name: os.environ[name] for name in KEPT if name in os.environ},
        }
        self.server = None
        # What a page leaves behind in the background becomes a child of ours: to be ended by us.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end(signal.SIGTERM)
        until = time.monotonic() + STOP_DEADLINE
        while _children():
            if time.monotonic() > until:
                self._end(signal.SIGKILL)
            _reap()
            time.sleep(PAUSE)

    def _end(self, sign):
        for process in _children():
            os.kill(process, sign)

    def make_run(self):
        """Starts the server with the command that `make run` ends with."""
        shown = subprocess.run(["make", "--dry-run", "run"], cwd=self.root, env=self.env,
                               capture_output=True, text=True, check=True).stdout
        command = shlex.split(shown.splitlines()[-1])
        assert command[0] == "build/release/bin/immudb", shown
        with open(self.scratch / "server", "w") as out:
            self.server = subprocess.Popen(command, cwd=self.root, env=self.env, stdout=out,
                                           stderr=out, stdin=subprocess.DEVNULL)
        status = ["immuclient", "status"]
        end = time.monotonic() + START_DEADLINE
        while subprocess.run(status, cwd=self.root, env=self.env, capture_output=True).returncode:
            assert self.server.poll() is None, (self.scratch / "server").read_text()
            assert time.monotonic() < end, "the server does not answer"

    def run(self, page):
        """Runs what is marked; raises AssertionError with the block that failed."""
        shown = self.scratch / "shown"
        script = self._script(page)
        with open(shown, "w") as out:
            bash = subprocess.Popen(["bash", str(script)], cwd=self.root, env=self.env, stdout=out,
                                    stderr=out, stdin=subprocess.DEVNULL)
        until = time.monotonic() + PAGE_DEADLINE
        while bash.poll() is None and time.monotonic() < until:
            _reap(bash, self.server)
            time.sleep(PAUSE)
        parts = re.split(f"{MARK}(.*)\n", shown.read_text(errors="replace"))
        printed = dict(zip(parts[1::2], parts[2::2]))
        last = parts[-2] if len(parts) > 1 else page
        assert bash.returncode == 0, f"{last}: exit {bash.returncode}\n{parts[-1]}"
        self._compare(page, printed)

    def _script(self, page):
        lines = ["set -Eeuo pipefail", "shopt -s inherit_errexit",
                 "trap 'echo \"failed: $BASH_COMMAND\"' ERR"]
        for number, block in enumerate(pages.blocks(page)):
            if block.kind == "file":
                lines.append(f"mkdir -p {shlex.quote(str(Path(block.name).parent))}")
                lines.append(f"cp {self._put(f'{number}.file', block.text)} "
                             f"{shlex.quote(block.name)}")
            elif block.kind == "run":
                lines += self._run_lines(page, number, block)
        return self._put("script", "\n".join(lines) + "\n")

    def _run_lines(self, page, number, block):
        where = f"{page}:{block.line} ({block.name})"
        assert block.language == "sh", f"{where} is no block of sh"
        # bash goes on after the left side of these failed.
        assert not re.search(r"&&|\|\|", block.text), f"{where}: put each command on its own line"
        text = block.text
        for default, given in self.ports.items():
            text = re.sub(rf"\b{default}\b", given, text)
        source = self._put(f"{number}.sh", text)
        typed = self._put(f"{number}.typed", "".join(line + "\n" for line in block.types))
        lines = [f"printf '{MARK}%s\\n' {shlex.quote(where)}"]
        if block.ends:
            lines += ["set +e; trap - ERR", f"( set -e; . {source} ) < {typed}", "code=$?",
                      "set -e; trap 'echo \"failed: $BASH_COMMAND\"' ERR",
                      f'[ "$code" = {block.ends} ]']
        else:
            lines.append(f". {source} < {typed}")
        return lines

    def _put(self, name, text):
        path = self.scratch / name
        path.write_text(text)
        return path

    def _compare(self, page, printed):
        before = None
        for block in pages.blocks(page):
            if block.kind == "run":
                before = f"{page}:{block.line} ({block.name})"
            elif block.kind == "prints":
                assert before, f"{page}:{block.line}: nothing was run before"
                lines = iter(printed[before].splitlines())
                for wanted in block.text.splitlines():
                    pattern = ".*".join(map(re.escape, wanted.strip().split("...")))
                    assert any(re.fullmatch(pattern, line.strip()) for line in lines), (
                        f"{page}:{block.line}: {wanted!r} is not what {before} printed:\n"
                        f"{printed[before]}")


def _children():
    me = os.getpid()
    return [int(word) for word in
            Path(f"/proc/{me}/task/{me}/children").read_text().split()]


def _reap(*known):
    """Takes note of ended children, but for those processes whose end others wait for: what waits
    for the end of a server would wait for ever otherwise."""
    theirs = {process.pid for process in known if process is not None}
    for child in set(_children()) - theirs:
        try:
            os.waitpid(child, os.WNOHANG)
        except ChildProcessError:
            pass
