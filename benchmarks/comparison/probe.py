"""A minimal ZooKeeper client: just enough to see whether a server answers a read."""

import socket
import struct
import time

GET_DATA = 4
CLOSE_SESSION = -11
# ZooKeeper can leave a connection that it accepted while starting unserved, so a silent one is given up soon.
SILENCE_SECONDS = 2.0
RETRY_SECONDS = 0.005


def can_read(port, path):
    """True once the server on the loopback port answers a read of the path without an error."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SILENCE_SECONDS) as connection:
            _send(connection, struct.pack(">iqiq", 0, 0, 10_000, 0) + _buffer(bytes(16)) + b"\0")
            _receive(connection)
            _send(connection, struct.pack(">ii", 1, GET_DATA) + _buffer(path.encode()) + b"\0")
            _, _, error = struct.unpack(">iqi", _receive(connection)[:16])
            _send(connection, struct.pack(">ii", 2, CLOSE_SESSION))
            return error == 0
    except (OSError, struct.error):
        return False


def wait_for_read(port, path, is_alive, limit_seconds=600.0):
    """Seconds until the first successful read, or an error if the server ends or the limit passes."""
    start = time.monotonic()
    while not can_read(port, path):
        waited = time.monotonic() - start
        if not is_alive():
            raise RuntimeError(f"the server ended {waited:.1f} s after its start")
        if waited > limit_seconds:
            raise RuntimeError(f"the server answered no read within {limit_seconds:.0f} s")
        time.sleep(RETRY_SECONDS)
    return time.monotonic() - start


def _buffer(value):
    return struct.pack(">i", len(value)) + value


def _send(connection, body):
    connection.sendall(_buffer(body))


def _receive(connection):
    (length,) = struct.unpack(">i", _receive_exactly(connection, 4))
    return _receive_exactly(connection, length)


def _receive_exactly(connection, length):
    received = b""
    while len(received) < length:
        part = connection.recv(length - len(received))
        if not part:
            raise ConnectionError("closed by the server")
        received += part
    return received
