"""A small client that speaks ZooKeeper's wire protocol with nothing in between.

Requests are built and sent apart from receiving, so that a test decides what is pipelined and what
arrives in one TCP segment. Layouts: zookeeper.jute.
"""

import collections
import socket
import struct

HOST = "127.0.0.1"

CREATE, DELETE, EXISTS, GET_DATA, SET_DATA = 1, 2, 3, 4, 5
SYNC, GET_CHILDREN2, MULTI = 9, 12, 14
CREATE2, CREATE_CONTAINER, SET_WATCHES = 15, 19, 101
AUTH, CLOSE = 100, -11

EPHEMERAL = 1
OK, NO_NODE = 0, -101

EVENT_XID, AUTH_XID = -1, -4
EVENT_CHANGED = 3

# How long to wait for any one answer: far longer than a busy machine needs.
DEADLINE = 60

Reply = collections.namedtuple("Reply", "xid zxid error body")
Event = collections.namedtuple("Event", "type state path")
Stat = collections.namedtuple(
    "Stat", "czxid mzxid ctime mtime version cversion aversion ephemeral_owner data_length children pzxid")

_INT = struct.Struct(">i")
_STAT = struct.Struct(">qqqqiiiqiiq")
_HEADER = struct.Struct(">iqi")


class Disconnected(Exception):
    """The server closed the connection."""


class SessionRefused(Exception):
    """The server says that the session to resume does not exist (any more)."""


def integer(value):
    return _INT.pack(value)


def buffer(data):
    return _INT.pack(-1) if data is None else _INT.pack(len(data)) + data


def text(value):
    return buffer(value.encode())


def vector(encoded):
    return _INT.pack(len(encoded)) + b"".join(encoded)


def frame(payload):
    return _INT.pack(len(payload)) + payload


WORLD_ALL = vector([integer(31) + text("world") + text("anyone")])


def create(path, data=b"", flags=0):
    return CREATE, text(path) + buffer(data) + WORLD_ALL + integer(flags)


def delete(path, version=-1):
    return DELETE, text(path) + integer(version)


def get(path, watch=False):
    return GET_DATA, text(path) + bytes([watch])


def exists(path, watch=False):
    return EXISTS, text(path) + bytes([watch])


def children(path, watch=False):
    return GET_CHILDREN2, text(path) + bytes([watch])


def put(path, data, version=-1):
    return SET_DATA, text(path) + buffer(data) + integer(version)


def sync(path):
    return SYNC, text(path)


def multi(*operations):
    headers = [integer(op) + b"\0" + integer(-1) + body for op, body in operations]
    return MULTI, b"".join(headers) + integer(-1) + b"\1" + integer(-1)


def read_buffer(body, at=0):
    """The data, and where the next field begins."""
    (length,) = _INT.unpack_from(body, at)
    at += 4
    return (None, at) if length < 0 else (body[at:at + length], at + length)


def read_data(body):
    """GetDataResponse: the data and the Stat."""
    data, at = read_buffer(body)
    return data, read_stat(body, at)


def read_children(body):
    """GetChildren2Response: the names and the Stat."""
    (count,) = _INT.unpack_from(body)
    at, names = 4, []
    for _ in range(count):
        name, at = read_buffer(body, at)
        names.append(name.decode())
    return names, read_stat(body, at)


def read_stat(body, at=0):
    return Stat(*_STAT.unpack_from(body, at))


def read_event(body):
    kind, state = struct.unpack_from(">ii", body)
    return Event(kind, state, read_buffer(body, 8)[0].decode())


class Connection:
    """A TCP connection that frames what it sends and receives."""

    def __init__(self, port, deadline=DEADLINE):
        self._socket = socket.create_connection((HOST, port), timeout=deadline)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._at = 0

    def send_bytes(self, data):
        try:
            self._socket.sendall(data)
        except ConnectionError as reason:
            raise Disconnected(reason) from None

    def set_deadline(self, seconds):
        """How long to wait for what comes next."""
        self._socket.settimeout(seconds)

    def finish_sending(self):
        """Tells the server that nothing more will come."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server was quicker to close

    def receive_frame(self):
        return self._take(_INT.unpack(self._take(4))[0])

    def abort(self):
        """Breaks the connection as a network failure would: the session stays."""
        self._socket.close()

    def _take(self, count):
        while len(self._received) - self._at < count:
            # What was taken goes away here rather than frame by frame, which would copy the rest each time.
            del self._received[:self._at]
            self._at = 0
            try:
                chunk = self._socket.recv(1 << 18)
            except ConnectionError as reason:
                raise Disconnected(reason) from None
            if not chunk:
                raise Disconnected("closed by the server")
            self._received += chunk
        taken = bytes(self._received[self._at:self._at + count])
        self._at += count
        return taken


class Client(Connection):
    """A session. Requests are numbered from 1 up to `encoded_xid`; `call` keeps watch events in `events`."""

    def __init__(self, port, timeout_ms=30000, session=(0, bytes(16)), last_zxid=0, deadline=DEADLINE):
        super().__init__(port, deadline)
        self.last_zxid = last_zxid
        self.events = []
        self.encoded_xid = 0
        self.send_bytes(connect_request(timeout_ms, session, last_zxid))
        self.accept(self.receive_frame())

    def accept(self, welcome):
        _, self.timeout_ms, session_id = struct.unpack_from(">iiq", welcome)
        if self.timeout_ms <= 0:
            raise SessionRefused()
        self.session = session_id, read_buffer(welcome, 16)[0]

    def encode(self, *requests):
        """The requests as the bytes to send, numbered."""
        encoded = bytearray()
        for op, body in requests:
            self.encoded_xid += 1
            encoded += struct.pack(">iii", len(body) + 8, self.encoded_xid, op) + body
        return bytes(encoded)

    def send(self, *requests):
        """Sends the requests in one piece; returns the last one's number."""
        self.send_bytes(self.encode(*requests))
        return self.encoded_xid

    def receive(self):
        """The next reply or event, whichever comes first."""
        received = self.receive_frame()
        reply = Reply(*_HEADER.unpack_from(received), received[_HEADER.size:])
        self.last_zxid = max(self.last_zxid, reply.zxid)
        return reply

    def receive_reply(self):
        """The next reply; events before it go to `events`."""
        while (reply := self.receive()).xid == EVENT_XID:
            self.events.append(read_event(reply.body))
        return reply

    def call(self, request):
        """One request, one reply."""
        xid = self.send(request)
        reply = self.receive_reply()
        assert reply.xid == xid, f"reply {reply.xid} for request {xid}"
        return reply

    def must(self, request):
        """`call` for a request that has to succeed; returns the reply's body."""
        reply = self.call(request)
        assert reply.error == OK, f"operation {request[0]} failed: {reply.error}"
        return reply.body

    def close(self):
        """Ends the session, with its ephemerals."""
        self.call((CLOSE, b""))
        self.abort()


def connect_request(timeout_ms=30000, session=(0, bytes(16)), last_zxid=0):
    session_id, password = session
    return frame(struct.pack(">iqiq", 0, last_zxid, timeout_ms, session_id) + buffer(password) + b"\0")
