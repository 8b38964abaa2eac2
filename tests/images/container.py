# SPDX-License-Identifier: Apache-2.0
"""What an engine makes of an image, done by hand: the file system, the user, the environment."""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

DEADLINE = 60
DEVICES = ("full", "null", "random", "urandom", "zero")
_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def enter_own_network():
    """From now on processes that this one starts see a loopback interface that nobody else sees:
    the ports of the images are free there."""
    if _libc.unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot make a network namespace")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


class Container:
    """One image with one volume, in `folder`; several programs may run in it, one after another or
    at once. Mounts end with the namespace of the tests, or with `close`."""

    def __init__(self, image, root, folder, read_only=False, volume=None, user=None, mounts=None):
        self.config = image["Docker"]["config"]
        self.user, self.group = user or map(int, self.config["User"].split(":"))
        self.root = folder / "root"
        self.volume = volume or self._new_volume(root, folder)
        self.root.mkdir()
        for place in mounts or ():
            Path(f"{root}{place}").mkdir(exist_ok=True)
        mount("--bind", root, self.root)
        if read_only:
            mount("-o", "remount,bind,ro", self.root)
        mount("-t", "proc", "proc", self.root / "proc")
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", self.root / "dev")
        for device in DEVICES:
            (self.root / "dev" / device).touch()
            mount("--bind", f"/dev/{device}", self.root / "dev" / device)
        for place, source in {self.volume_path: self.volume, **(mounts or {})}.items():
            mount("--bind", source, f"{self.root}{place}")
        if read_only:
            mount("-o", "remount,bind,ro", self.root / "dev")

    def close(self):
        subprocess.run(["umount", "--recursive", self.root], check=True)

    @property
    def volume_path(self):
        (path,) = self.config["Volumes"]
        return path

    def _new_volume(self, root, folder):
        """As engines do: owner and mode are those of the folder in the image."""
        volume = folder / "volume"
        volume.mkdir()
        pattern = os.stat(str(root) + self.volume_path)
        os.chown(volume, pattern.st_uid, pattern.st_gid)
        os.chmod(volume, pattern.st_mode & 0o7777)
        return volume

    def environment(self, more):
        own = dict(entry.split("=", 1) for entry in self.config["Env"])
        return {**own, **more}

    def _enter(self):
        os.chroot(self.root)
        os.chdir(self.config["WorkingDir"])
        os.setgroups([])
        os.setresgid(self.group, self.group, self.group)
        os.setresuid(self.user, self.user, self.user)  # takes all capabilities
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    def start(self, *arguments, env=None, command=None, **streams):
        """The entry point with these arguments, or `command` instead (as `docker exec`)."""
        return subprocess.Popen(command or [*self.config["Entrypoint"], *arguments],
                                env=self.environment(env or {}), preexec_fn=self._enter, **streams)

    def run(self, *arguments, text="", **settings):
        """Waits for its end; returns exit code, standard output and standard error."""
        process = self.start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, **settings)
        try:
            out, err = process.communicate(text, timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return process.returncode, out, err

    def health(self, **settings):
        """The exit code of the health check, as it stands in the image."""
        kind, *words = self.config["Healthcheck"]["Test"]
        assert kind in ("CMD", "CMD-SHELL")
        command = words if kind == "CMD" else ["/bin/sh", "-c", *words]
        return self.run(command=command, **settings)[0]


class Daemon:
    """The process of an engine's container: its entry point, started on entry, stopped on exit."""

    def __init__(self, container, folder, env=None):
        self.container = container
        self.env = env or {}
        self.log = folder / f"daemon-{time.monotonic_ns()}.log"

    def __enter__(self):
        with self.log.open("w") as out:
            self.process = self.container.start(env=self.env, stdin=subprocess.DEVNULL, stdout=out,
                                                stderr=subprocess.STDOUT)
        end = time.monotonic() + DEADLINE
        while self.container.health(env=self.env) != 0:
            code = self.process.poll()
            if code is not None or time.monotonic() > end:
                self.kill()
                raise AssertionError(f"not healthy, exit code {code}:\n{self.log.read_text()}")
        return self

    def stop(self):
        self.process.terminate()
        code = self.process.wait(DEADLINE)
        assert code == 0, f"exit {code} after SIGTERM:\n{self.log.read_text()}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __exit__(self, kind, *_):
        if kind is None and self.process.poll() is None:
            self.stop()
        self.kill()
