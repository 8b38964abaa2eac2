# SPDX-License-Identifier: Apache-2.0
"""Raw bytes to an HTTP/1 port, and what comes back."""
import socket
import time

DEADLINE = 30


def connect(port, host="127.0.0.1", deadline=DEADLINE):
    return socket.create_connection((host, port), deadline)


def metrics_port(daemon):
    where = daemon.out.find("Metrics address :", 10).split(":", 1)[1].strip()
    return int(where.removeprefix("http://").split("/")[0].rsplit(":", 1)[1])


def ask(port, target="/livez", headers=(), method="GET"):
    """The bytes of a request that asks to close the connection."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close",
             *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def exchange(port, raw, deadline=DEADLINE, most=64 << 20):
    """Sends, reads until the daemon closes, has sent `most` bytes or says nothing more; the bytes
    that came."""
    until = time.monotonic() + deadline
    received = bytearray()
    with connect(port, deadline=deadline) as sock:
        try:
            sock.sendall(raw)
            while len(received) < most:
                sock.settimeout(max(until - time.monotonic(), 0.001))
                more = sock.recv(1 << 16)
                if not more:
                    break
                received += more
        except (TimeoutError, ConnectionError):
            pass
    return bytes(received)


def get(port, target="/livez", headers=(), deadline=DEADLINE):
    """(status, body); status 0: the daemon gave no answer."""
    raw = exchange(port, ask(port, target, headers), deadline)
    head, _, body = raw.partition(b"\r\n\r\n")
    return (int(head.split(b" ", 2)[1]), body) if head.startswith(b"HTTP/1.") else (0, body)
