# SPDX-License-Identifier: Apache-2.0
"""A client that goes on with its work during an attack: every answer is verified and timed.

It is a process of its own, so that its times are not those of the attacker's threads. Started as
a program it takes its orders from standard input: first one line of JSON (target, token, pause),
then names of phases; at the end of the input it prints what it measured.
"""
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

DEADLINE = 30  # for one call: longer than any test tolerates
MOST_ERRORS = 3
KEYS = 100


def percentile(times, share):
    """Of sorted times."""
    return times[min(len(times) - 1, int(len(times) * share))] if times else float("nan")


class Report:
    """Times in seconds: {phase: {call: sorted list}}, and what went wrong."""

    def __init__(self, times, errors):
        self.times = {phase: {name: sorted(values) for name, values in calls.items()}
                      for phase, calls in times.items()}
        self.errors = errors

    def calls(self, phase=None):
        """How many calls were answered and verified."""
        phases = self.times.values() if phase is None else [self.times.get(phase, {})]
        return sum(len(values) for calls in phases for values in calls.values())

    def p(self, share, name, phase="start"):
        return percentile(self.times.get(phase, {}).get(name, []), share)

    def table(self):
        lines = [f"{'phase':<16}{'call':<9}{'count':>7}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"]
        for phase, calls in self.times.items():
            for name, values in calls.items():
                p50, p99, most = (1000 * percentile(values, share) for share in (0.5, 0.99, 1))
                lines.append(f"{phase:<16}{name:<9}{len(values):>7}{p50:>9.2f}{p99:>9.2f}"
                             f"{most:>9.2f}")
        return "\n".join(lines)


class GoodClient:
    """`with GoodClient(daemon) as good: attack()`. Leaving asserts that calls were answered and
    that there was no error; `good.report` has the times. `phase` gives those that follow a name.
    """

    def __init__(self, daemon, user="immudb", password="immudb", database="defaultdb", pause=0.002):
        with daemon.login(user, password, database) as client:
            token = client.token
        self._order = json.dumps({"target": daemon.target, "token": token, "pause": pause})
        self._process = None
        self.report = None

    def __enter__(self):
        here = Path(__file__).resolve().parents[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.good_client"], cwd=here, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONPATH=str(here)))
        self._say(self._order)
        ready = self._process.stdout.readline()
        assert ready == "ready\n", f"the good client could not begin: {ready!r}"
        return self

    def _say(self, line):
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended after too many errors; the report has them

    def phase(self, name):
        self._say(name)

    def stop(self):
        """The report, with whatever went wrong."""
        said, _ = self._process.communicate(timeout=2 * DEADLINE)
        self.report = Report(**json.loads(said.splitlines()[-1]))
        return self.report

    def __exit__(self, kind, *_):
        if self.report is None:
            self.stop()
        if kind is None:
            assert not self.report.errors, self.report.errors
            assert self.report.calls() > 0, "no call was answered"


class _Worker:
    def __init__(self, client, pause):
        self.client = client
        self.pause = pause
        self.phase = "start"
        self.times = {}
        self.errors = []
        self.written = {}
        self.round = 0

    def _timed(self, name, call):
        begin = time.monotonic()
        answer = call()
        self.times.setdefault(self.phase, {}).setdefault(name, []).append(
            time.monotonic() - begin)
        time.sleep(self.pause)
        return answer

    def once(self):
        """A proven write, a proven read and a plain read; what was written must be what is read."""
        key, value = b"good-%d" % (self.round % KEYS), b"value %d" % self.round
        self.round += 1
        self._timed("SafeSet", lambda: self.client.safe_set(key, value))
        self.written[key] = value
        other = list(self.written)[self.round * 7 % len(self.written)]
        item = self._timed("SafeGet", lambda: self.client.safe_get(other)).item
        assert (item.key, item.value) == (other, self.written[other]), "a wrong value, proven"
        item = self._timed("Get", lambda: self.client.Get(key=key, deadline=DEADLINE))
        assert item.value == value, "another value than was written"

    def run(self, orders):
        while len(self.errors) < MOST_ERRORS:
            try:
                order = orders.get_nowait()
                if order is None:
                    if not self.times:
                        self.once()
                    return
                self.phase = order
            except queue.Empty:
                pass
            try:
                self.once()
            except Exception as error:  # pylint: disable=broad-except
                self.errors.append(f"{self.phase}, round {self.round}: {error!r}"[:1000])


def _main():
    from .client import Client
    order = json.loads(sys.stdin.readline())
    orders = queue.Queue()

    def listen():
        for line in sys.stdin:
            orders.put(line.strip())
        orders.put(None)

    with Client(order["target"], token=order["token"]) as client:
        worker = _Worker(client, order["pause"])
        worker.once()
        worker.times.clear()
        print("ready", flush=True)
        threading.Thread(target=listen, daemon=True).start()
        worker.run(orders)
    print(json.dumps({"times": worker.times, "errors": worker.errors}), flush=True)


if __name__ == "__main__":
    _main()
