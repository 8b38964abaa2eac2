# SPDX-License-Identifier: Apache-2.0
"""An attack in threads, bounded in count and time."""
import collections
import threading
import time

from . import http2


class Attack:
    """Repeats `once()` in `threads` threads until `seconds` are over or all have done `most`.

    What `once` returns is counted as an outcome; so is the name of an error of the network,
    which an attacker has to expect. Any other error fails `wait`.
    """

    EXPECTED = (OSError, http2.Closed)

    def __init__(self, once, threads=1, seconds=60, most=1 << 30):
        self.outcomes = collections.Counter()
        self._once = once
        self._end = threading.Event()
        self._until = time.monotonic() + seconds
        self._left = most
        self._mutex = threading.Lock()
        self._failure = None
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def _take(self):
        with self._mutex:
            self._left -= 1
            return self._left >= 0

    def _run(self):
        while not self._end.is_set() and time.monotonic() < self._until and self._take():
            try:
                outcome = self._once()
            except self.EXPECTED as error:
                outcome = type(error).__name__
            except BaseException as error:  # pylint: disable=broad-except
                self._failure = error
                return
            with self._mutex:
                self.outcomes[outcome] += 1

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def wait(self):
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure
        return self.outcomes

    def stop(self):
        self._end.set()
        return self.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self._end.set()
        if kind is None:
            self.wait()
