#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every attack at once on a daemon with 1.5 GB of address space and 1,024 descriptors.

Meanwhile a client writes and reads, and verifies every answer; a probe asks for /livez. In the end
the daemon must be alive, without an unanswered good call, take a new login and stop cleanly.
Exits with 1 otherwise. With --judge the p99 of the client must also be below 100 ms, which says
something only on a machine that does nothing else.

  IMMUDB_BINARY=build/release/bin/immudb tests/hostile/all_at_once.py --seconds 60 --judge
"""
import argparse
import collections
import multiprocessing
import os
import sys
import tempfile
import threading
import time

import grpc

from harness import attacks, http1, user_attacks
from harness.attack import Attack
from harness.daemon import Daemon
from harness.good_client import GoodClient
from harness.watch import Watch, memory_within, sanitized
from harness.world import World

ADDRESS_SPACE, DESCRIPTORS = 1536 << 20, 1024
QUIET = 2  # seconds without an attack, to compare
P99 = 0.1  # seconds
PROCESSES = 4
PAUSE = 0.05  # of an attacker between two rounds: it is the daemon that is to be tried
Target = collections.namedtuple("Target", "port metrics_port token")

ATTACKS = {
    "gzip bombs": attacks.gzip_bomb,
    "resets": attacks.rapid_reset,
    "pings": attacks.ping_flood,
    "settings": attacks.settings_flood,
    "windows": attacks.window_flood,
    "empty DATA": attacks.empty_frames,
    "CONTINUATION": attacks.continuation_flood,
    "headers, many": attacks.many_headers,
    "header, endless": user_attacks.endless_header,
    "path of 1 MB": attacks.huge_path,
    "forged log lines": attacks.forged_log,
    "4 GiB promised": attacks.promised_gigabytes,
    "truncated": attacks.truncated_message,
    "rubbish": attacks.rubbish,
    "garbage calls": attacks.garbage_calls,
    "garbage with token": user_attacks.garbage,
    "names of 8 MB": attacks.large_name_login,
    "junk logins": user_attacks.junk_logins,
    "Health": attacks.health_flood,
    "held streams": user_attacks.held_streams,
    "unknown methods": user_attacks.unknown_methods,
    "silent connections": user_attacks.silent_connections,
    "half HTTP requests": user_attacks.half_a_request,
    "ranges": user_attacks.many_ranges,
    "unread scans": user_attacks.unread_scans,
    "unread values": user_attacks.unread_values,
    "unread dumps": user_attacks.unread_dump,
    "counts": user_attacks.counts,
    "histories": user_attacks.histories,
    "UseDatabase": user_attacks.uses_of_a_database,
}


def repeated(attack, target):
    def once():
        time.sleep(PAUSE)
        return attack(target)

    return once


def attackers(names, target, seconds, queue):
    """One process of attackers, a thread for each attack. They would be other machines: here they
    stand back for the daemon and its client."""
    os.nice(10)
    running = {name: Attack(repeated(ATTACKS[name], target), seconds=seconds).start()
               for name in names}
    queue.put({name: dict(attack.wait()) for name, attack in running.items()})


def attack_all(target, seconds):
    """What came of each attack: {name: {outcome: count}}."""
    context = multiprocessing.get_context("spawn")  # gRPC does not survive a fork
    queue = context.Queue()
    names = list(ATTACKS)
    processes = [context.Process(target=attackers,
                                 args=(names[i::PROCESSES], target, seconds, queue), daemon=True)
                 for i in range(PROCESSES)]
    for process in processes:
        process.start()
    outcomes = {}
    for _ in processes:
        outcomes.update(queue.get(timeout=seconds + 120))
    for process in processes:
        process.join(30)
    return outcomes


class Probe:
    """Asks for /livez every half second, as an orchestrator would."""

    def __init__(self, port):
        self.port = port
        self.asked = self.failed = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._end.wait(0.5):
            self.asked += 1
            try:
                self.failed += http1.get(self.port, "/livez", deadline=10)[0] != 200
            except OSError:
                self.failed += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


def judge(daemon, good, probe, watch, with_time):
    """What went wrong, in words."""
    wrong = list(good.report.errors)
    if not daemon.alive():
        return wrong + [f"the daemon ended with {daemon.process.returncode}: {daemon.log[-2000:]}"]
    if not good.report.calls("attack"):
        wrong.append("no good call was answered during the attack")
    if not memory_within(watch.peak["VmHWM"], 1200):
        wrong.append("it took more than 1.2 GB")
    if probe.failed:
        wrong.append(f"{probe.failed} of {probe.asked} probes of /livez failed")
    # The attack guessed at this user's password from this address: that pause passes.
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with daemon.login(database="defaultdb") as client:
                client.safe_set(b"afterwards", b"v")
                client.safe_get(b"afterwards")
            break
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            time.sleep(0.5)
    else:
        wrong.append("no login 20 s after the attack")
    if with_time:
        wrong += [f"p99 of {call} was {1000 * good.report.p(0.99, call, 'attack'):.0f} ms"
                  for call in ("Get", "SafeGet", "SafeSet")
                  if not good.report.p(0.99, call, "attack") < P99]
    return wrong


def report(outcomes, watch, probe, good):
    print(f"{'attack':<20} what came of it, how often")
    for name in ATTACKS:
        came = ", ".join(f"{what} {count}" for what, count in sorted(
            outcomes[name].items(), key=lambda item: -item[1]))
        print(f"{name:<20} {came}")
    print(f"\n{watch}\n/livez: {probe.failed} of {probe.asked} probes failed\n\n"
          f"{good.report.table()}", flush=True)


def run(folder, seconds, with_time):
    daemon = Daemon(folder, address_space=ADDRESS_SPACE, descriptors=DESCRIPTORS).start()
    try:
        world = World(daemon).fill(keys=100_000 if seconds > 30 else 10_000, megabytes=20,
                                   largest=20 << 20)
        target = Target(world.port, world.metrics_port, world.token)
        with Watch(daemon) as watch, Probe(world.metrics_port) as probe:
            good = GoodClient(daemon)
            good.__enter__()
            good.phase("quiet")
            time.sleep(QUIET)
            good.phase("attack")
            outcomes = attack_all(target, seconds)
            good.stop()
        report(outcomes, watch, probe, good)
        wrong = judge(daemon, good, probe, watch, with_time and not sanitized())
        if not wrong:
            daemon.stop()
        return wrong
    finally:
        daemon.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--judge", action="store_true", help="the p99 too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="immudb-hostile-") as folder:
        wrong = run(folder, given.seconds, given.judge)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
