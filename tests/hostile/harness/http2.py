# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frame by frame over a plain socket, without the rules that a library would keep.

Header blocks are stateless literals: a block may be sent again as it is. Nothing reads in the
background: `finish`, `pump` and a `data` that waits for window do; who calls none of them is a
client that does not read.
"""
import socket
import struct
import time
import urllib.parse

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
ACK = END_STREAM = 1
END_HEADERS, PADDED = 4, 8
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6
DEFAULT_WINDOW = 65535
LARGEST_WINDOW = (1 << 31) - 1
DEADLINE = 30


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(values):
    return b"".join(struct.pack(">HI", name, value) for name, value in values.items())


def _text(text):
    text = text.encode() if isinstance(text, str) else text
    length, size = len(text), b""
    if length < 127:
        return bytes([length]) + text
    length -= 127
    while length >= 128:
        size += bytes([length & 127 | 128])
        length >>= 7
    return b"\x7f" + size + bytes([length]) + text


def header_block(pairs):
    """HPACK literals without indexing; names and values may hold any bytes."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in pairs)


def grpc_headers(path, token=None, extra=(), content_type="application/grpc"):
    pairs = [(":method", "POST"), (":scheme", "http"), (":path", path),
             (":authority", "localhost"), ("content-type", content_type), ("te", "trailers")]
    if token is not None:
        pairs.append(("authorization", "Bearer " + token))
    return pairs + list(extra)


def message(body=b"", compressed=False, length=None):
    """A gRPC message; `length` lies about its size."""
    return struct.pack(">BI", compressed, len(body) if length is None else length) + body


class Answer:
    """What came back on one stream."""

    def __init__(self):
        self.headers = []  # of all header blocks, in their order
        self.body = b""
        self.reset = None  # the code of RST_STREAM
        self.ended = False

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)

    @property
    def code(self):
        """The gRPC code as a number; None: the stream ended without one."""
        code = self.header("grpc-status")
        return None if code is None else int(code)

    @property
    def text(self):
        return urllib.parse.unquote(self.header("grpc-message") or "")

    @property
    def messages(self):
        rest, found = self.body, []
        while rest:
            _, length = struct.unpack(">BI", rest[:5])
            found.append(rest[5:5 + length])
            rest = rest[5 + length:]
        return found


class Closed(Exception):
    """The daemon ended the connection."""


class Connection:
    """One connection. `window` is the initial window of each stream for what the daemon sends;
    `connection_window` that of the connection; `receive_buffer` bounds what the kernel takes."""

    def __init__(self, port, host="127.0.0.1", preface=PREFACE, window=None,
                 connection_window=None, receive_buffer=None, more_settings=None, wrap=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        self.socket.connect((host, port))
        if wrap is not None:
            self.socket = wrap(self.socket)
        self.streams = {}
        self.goaway = None  # (last stream, code, debug data)
        self._received = b""
        self._decoder = hpack.Decoder(max_header_list_size=1 << 24)
        self._next_stream = 1
        self._window = DEFAULT_WINDOW  # what may still be sent on the connection
        self._initial_window = DEFAULT_WINDOW
        self._windows = {}
        self._max_frame = 16384
        values = dict(more_settings or {})
        if window is not None:
            values[INITIAL_WINDOW_SIZE] = window
        if preface:
            self.send(preface + frame(SETTINGS, 0, 0, settings(values)))
        if connection_window is not None:
            self.window_update(0, connection_window - DEFAULT_WINDOW)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # Sending

    def send(self, raw):
        """Any bytes."""
        try:
            self.socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed(str(error)) from error

    def send_frame(self, kind, flags=0, stream=0, payload=b""):
        self.send(frame(kind, flags, stream, payload))

    def window_update(self, stream, increment):
        self.send_frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))

    def reset(self, stream, code=8):
        self.send_frame(RST_STREAM, 0, stream, struct.pack(">I", code))

    def new_stream(self):
        stream = self._next_stream
        self._next_stream += 2
        self.streams[stream] = Answer()
        self._windows[stream] = self._initial_window
        return stream

    def headers(self, pairs, end=False, stream=None, block=None):
        """HEADERS of a new stream, or of the given one, with as many CONTINUATION as it takes."""
        stream = self.new_stream() if stream is None else stream
        block = header_block(pairs) if block is None else block
        parts = [block[i:i + self._max_frame] for i in range(0, len(block), self._max_frame)]
        parts = parts or [b""]
        raw = b""
        for i, part in enumerate(parts):
            flags = END_HEADERS if i == len(parts) - 1 else 0
            if i == 0 and end:
                flags |= END_STREAM
            raw += frame(CONTINUATION if i else HEADERS, flags, stream, part)
        self.send(raw)
        return stream

    def data(self, stream, raw, end=False, deadline=DEADLINE):
        """DATA within the windows that the daemon gives; gives up when it ends the stream.
        Returns how many bytes were sent."""
        sent, until = 0, time.monotonic() + deadline
        while True:
            size = min(len(raw) - sent, self._window, self._windows[stream], self._max_frame)
            if size > 0 or sent == len(raw):
                last = sent + size == len(raw)
                self.send_frame(DATA, END_STREAM if end and last else 0, stream,
                                raw[sent:sent + size])
                sent += size
                self._window -= size
                self._windows[stream] -= size
                if last:
                    return sent
            elif self.streams[stream].ended:
                return sent
            else:
                self.pump(until)

    def request(self, path, body=None, token=None, extra=(), end=True, **how):
        """A gRPC call: its headers, and `body` as bytes of DATA (see `message`)."""
        stream = self.headers(grpc_headers(path, token, extra, **how), end=end and body is None)
        if body is not None:
            self.data(stream, body, end=end)
        return stream

    def call(self, path, body=b"", token=None, extra=(), deadline=DEADLINE, **how):
        """A gRPC call with one message, and its answer."""
        return self.finish(self.request(path, message(body), token, extra, **how), deadline)

    # Receiving

    def _receive(self, count, until):
        while len(self._received) < count:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the daemon sends nothing")
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError as error:
                raise Closed(str(error)) from error
            finally:
                self.socket.settimeout(DEADLINE)
            if not more:
                raise Closed(f"GOAWAY: {self.goaway}")
            self._received += more
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def read_frame(self, until):
        """(kind, flags, stream, payload), as it came."""
        head = self._receive(9, until)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self._receive(int.from_bytes(head[:3], "big"), until)

    def pump(self, until):
        """Reads one frame and does what it asks for."""
        kind, flags, stream, payload = self.read_frame(until)
        answer = self.streams.get(stream)
        if kind == SETTINGS and not flags & ACK:
            self._obey(payload)
            self.send_frame(SETTINGS, ACK)
        elif kind == PING and not flags & ACK:
            self.send_frame(PING, ACK, 0, payload)
        elif kind == WINDOW_UPDATE:
            increment = struct.unpack(">I", payload)[0]
            if stream == 0:
                self._window += increment
            elif stream in self._windows:
                self._windows[stream] += increment
        elif kind == GOAWAY:
            self.goaway = (*struct.unpack(">II", payload[:8]), payload[8:])
        elif answer is not None:
            self._on_stream(answer, kind, flags, stream, payload)
        return kind

    def _obey(self, payload):
        for at in range(0, len(payload), 6):
            name, value = struct.unpack(">HI", payload[at:at + 6])
            if name == INITIAL_WINDOW_SIZE:
                for stream in self._windows:
                    self._windows[stream] += value - self._initial_window
                self._initial_window = value
            elif name == MAX_FRAME_SIZE:
                self._max_frame = min(value, 1 << 20)

    def _on_stream(self, answer, kind, flags, stream, payload):
        if kind == DATA:
            answer.body += payload
            if payload and not flags & END_STREAM:
                self.window_update(stream, len(payload))
            if payload:
                self.window_update(0, len(payload))
        elif kind == HEADERS:
            answer.headers += self._decoder.decode(payload)
        elif kind == RST_STREAM:
            answer.reset = struct.unpack(">I", payload)[0]
        if kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM):
            answer.ended = True

    def finish(self, stream, deadline=DEADLINE):
        """Reads until the daemon has ended the stream; the answer."""
        until = time.monotonic() + deadline
        while not self.streams[stream].ended:
            self.pump(until)
        return self.streams[stream]

    def wait_for(self, kind, deadline=DEADLINE):
        """Reads until a frame of this kind has come."""
        until = time.monotonic() + deadline
        while self.pump(until) != kind:
            pass

    def settle(self):
        """Acknowledges the daemon's SETTINGS, as it asks before many streams are open."""
        self.send_frame(PING, 0, 0, b"settings")
        self.wait_for(PING)

    def wait_closed(self, deadline=DEADLINE):
        """Reads until the daemon ends the connection; what it said in GOAWAY."""
        until = time.monotonic() + deadline
        try:
            while True:
                self.pump(until)
        except Closed:
            return self.goaway
