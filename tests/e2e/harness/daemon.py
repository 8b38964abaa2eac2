# SPDX-License-Identifier: Apache-2.0
"""The immudb daemon as a process of its own, on a free port, in a folder of its own."""
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from .client import Client

START_DEADLINE = 60
STOP_DEADLINE = 60


def binary():
    path = os.environ.get("IMMUDB_BINARY")
    if not path:
        raise RuntimeError("IMMUDB_BINARY does not name the daemon's binary")
    return str(Path(path).resolve())


class Output:
    """Collects the lines of a pipe, so that the daemon never waits for its reader."""

    def __init__(self, pipe):
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._collect, args=(pipe,), daemon=True)
        self._thread.start()

    def _collect(self, pipe):
        with pipe:
            for line in pipe:
                with self._changed:
                    self._lines.append(line.decode(errors="replace"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def text(self):
        with self._changed:
            return "".join(self._lines)

    def find(self, beginning, deadline):
        """The first line that starts so, or None if the pipe ended without it."""
        end = time.monotonic() + deadline
        seen = 0
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    if line.startswith(beginning):
                        return line
                seen = len(self._lines)
                if self._ended:
                    return None
                if not self._changed.wait(end - time.monotonic()):
                    raise TimeoutError(f"no line {beginning!r} within {deadline} s")

    def join(self):
        self._thread.join(STOP_DEADLINE)
        return self.text()


def _clean_environment(home, extra):
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("IMMUDB_") and "proxy" not in name.lower()}
    environment["HOME"] = str(home)  # so that no configuration file of the machine is found
    environment.update(extra or {})
    return environment


class Daemon:
    """Starts with `start`, ends with `stop` or `kill`; may be started again on the same data."""

    def __init__(self, folder, *options, env=None, descriptors=None, address_space=None,
                 address="127.0.0.1", credentials=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.options = list(options)
        self.env = env
        self.descriptors = descriptors  # RLIMIT_NOFILE of the process
        self.address_space = address_space  # RLIMIT_AS, in bytes; not with a sanitizer
        self.address = address
        self.credentials = credentials  # what clients connect with; None: plain text
        self.process = self.out = self.err = self.target = None
        self.clients = []

    def launch(self, *more):
        """Starts the process without waiting for anything."""
        arguments = [binary(), "--dir", str(self.data), "--port", "0",
                     "--metrics-port", "0"]
        if self.address:
            arguments += ["--address", self.address]
        limits = []
        if self.descriptors:
            limits.append(f"ulimit -n {self.descriptors}")
        if self.address_space and not os.environ.get("IMMUDB_SANITIZER"):
            limits.append(f"ulimit -v {self.address_space >> 10}")
        if limits:
            arguments = ["sh", "-c", "; ".join([*limits, 'exec "$@"']), "sh", *arguments]
        self.process = subprocess.Popen(
            arguments + self.options + list(more), cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=_clean_environment(self.folder, self.env))
        self.out, self.err = Output(self.process.stdout), Output(self.process.stderr)
        return self

    def start(self, *more):
        self.launch(*more)
        line = self.out.find("Address         :", START_DEADLINE)
        if line is None:
            code = self.process.wait(STOP_DEADLINE)
            raise RuntimeError(f"the daemon ended with {code}: {self.err.join()}")
        where = line.split(":", 1)[1].strip()
        self.target = where.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
        try:
            with self.client() as client:
                client.Health(deadline=START_DEADLINE, wait=True)
        except Exception:
            self.kill()
            raise
        return self

    @property
    def port(self):
        return int(self.target.rsplit(":", 1)[1])

    @property
    def log(self):
        return self.err.text()

    def client(self, token=None, target=None, **options):
        options.setdefault("credentials", self.credentials)
        client = Client(target or self.target, token=token, **options)
        self.clients.append(client)
        return client

    def login(self, user="immudb", password="immudb", database=None, **options):
        """A client that is logged in; with `database`, one that has selected it."""
        client = self.client(**options)
        client.login(user, password)
        if database:
            client.use(database)
        return client

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def peak_memory(self):
        """VmHWM, in KiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise RuntimeError("no VmHWM")

    def descriptors_open(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def wait(self, deadline=STOP_DEADLINE):
        code = self.process.wait(deadline)
        self.out.join()
        self.err.join()
        return code

    def stop(self, sign=signal.SIGTERM):
        """Asks it to stop; it must do so cleanly. Closes its clients first: they do not answer
        the farewell of a server while they are idle, and it would wait for them."""
        assert self.alive(), f"the daemon died: {self.process.returncode}\n{self.err.join()}"
        self.close_clients()
        self.process.send_signal(sign)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert code == 0, f"exit {code} after signal {sign}\n{self.log}"

    def close_clients(self):
        while self.clients:
            self.clients.pop().close()

    def kill(self):
        if self.alive():
            self.process.kill()
        self.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is not None:
            self.kill()
        elif self.process is not None and self.process.returncode is None:
            self.stop()


def refuses_to_start(daemon, *more, code=1):
    """Starts what must not start; returns what it says on standard error."""
    daemon.launch(*more)
    try:
        ended = daemon.wait(START_DEADLINE)
    except subprocess.TimeoutExpired:
        daemon.kill()
        raise AssertionError("the daemon did start") from None
    assert ended == code, f"exit {ended}\n{daemon.log}"
    assert daemon.log.strip(), "nothing says why it did not start"
    return daemon.log
