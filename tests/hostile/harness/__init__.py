# SPDX-License-Identifier: Apache-2.0
"""What the hostile tests share. They treat the real daemon as an enemy would, within small limits.

A test is a function in `tests/hostile/test_NAME.py`; each file becomes one ctest entry
`hostile_NAME` (label `hostile`). The fixtures of `tests/e2e` work here (`launch`, `daemon`,
`admin`, `fresh`, `key`), and so do its modules: this package continues that one
(`harness.client`, ...).

    from harness import http2
    from harness.good_client import GoodClient
    from harness.watch import Watch, memory_within

    def test_empty_frames(launch):
        daemon = launch(address_space=1536 << 20, descriptors=1024)   # ulimit -v, ulimit -n
        with Watch(daemon) as watch, GoodClient(daemon):              # __exit__ asserts: no error
            with http2.Connection(daemon.port) as attacker:
                stream = attacker.request("/immudb.schema.ImmuService/Set", end=False)
                for _ in range(1000):
                    attacker.data(stream, b"")
                attacker.data(stream, b"", end=True)
                assert attacker.finish(stream).code == 3
        assert memory_within(watch.peak["VmHWM"], 300)                # KiB, MiB

http2        HTTP/2 frame by frame over a plain socket: any header bytes, any windows, any lengths
http1        bytes to the metrics port, and what comes back
good_client  a client in a process of its own that writes, reads, verifies and measures
watch        peaks of memory, threads and descriptors of the daemon
attacks      attacks without a login, once each; user_attacks those of a user, and HTTP/1
world        what attackers know of a daemon: ports, an account, data for costly calls
attack       repeats an attack in threads, bounded in count and time

Every attack is bounded in count and time. A test may print figures (`pytest -rP` shows them); it
asserts answers, survival, memory and descriptors, never a speed.
"""
from pathlib import Path

__path__.append(str(Path(__file__).resolve().parents[2] / "e2e" / "harness"))
