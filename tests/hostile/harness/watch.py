# SPDX-License-Identifier: Apache-2.0
"""What the daemon uses while it is attacked: memory, threads, descriptors."""
import os
import threading
from pathlib import Path

INTERVAL = 0.05
FIELDS = ("VmPeak", "VmSize", "VmHWM", "VmRSS", "Threads")


def sanitized():
    """A build with a sanitizer: neither its memory nor its address space says anything."""
    return bool(os.environ.get("IMMUDB_SANITIZER"))


def memory_within(kib, limit_mib):
    return sanitized() or kib < limit_mib << 10


def sample(pid):
    """Sizes in KiB, and counts of threads and descriptors."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in FIELDS:
            found[name] = int(value.split()[0])
    found["descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))
    return found


class Watch:
    """`with Watch(daemon) as watch: ...`, then `watch.peak[name]` for the names of `sample`."""

    def __init__(self, daemon):
        self._pid = daemon.process.pid
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.before = sample(self._pid)
        self.peak = dict(self.before)

    def _look(self):
        for name, value in sample(self._pid).items():
            self.peak[name] = max(self.peak.get(name, 0), value)

    def _run(self):
        try:
            while not self._end.wait(INTERVAL):
                self._look()
        except (OSError, IndexError):
            pass  # the process is gone; the test sees that

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        try:
            self._look()
        except (OSError, IndexError):
            pass

    def __str__(self):
        return (f"peak resident {self.peak['VmHWM'] / 1024:.0f} MiB (before "
                f"{self.before['VmRSS'] / 1024:.0f}), address space "
                f"{self.peak['VmPeak'] / 1024:.0f} MiB, {self.peak['Threads']} threads, "
                f"{self.peak['descriptors']} descriptors")
