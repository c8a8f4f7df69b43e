"""Plays a case against a server and returns what was observed at each step."""

import re
import socket
import struct

import puresasl.client

import servers
import zkwire
from conform.language import OPS, WRITES, Encoder, data_of, tokens_of
from conform.observe import Observer, error_name, token_fields
from zkwire import EVENT_XID, Connection, Disconnected, buffer, frame, integer

PING_XID = -2
TIMEOUT_MS = 20000
# How long to wait for an answer; and for one which the case expects not to come.
PATIENCE, QUIET = 20, 1.0
HEADER = struct.Struct(">iqi")


class Peer:
    """One connection of a case: it may have a session, or be no more than a socket."""

    def __init__(self, name, port, observer):
        self.name, self._observer = name, observer
        self._connection = Connection(port, PATIENCE)
        self._xid = 0
        self._newest = 0
        self.session = 0, bytes(16)
        self.open, self.live = True, False
        self.seen = []

    def shake_hands(self, payload, behind):
        """Sends a connect request, and what is to be sent in one piece with it; observes the welcome."""
        self._connection.send_bytes(frame(payload) + b"".join(map(frame, behind)))
        return self.observe_welcome()

    def observe_welcome(self):
        try:
            welcome = self._connection.receive_frame()
        except Disconnected:
            self.open = False
            return ["closed"]
        protocol, timeout, session_id = struct.unpack_from(">iiq", welcome)
        password = zkwire.read_buffer(welcome, 16)[0]
        known = session_id == self.session[0] != 0
        shown = f"welcome timeout={timeout} id={self._observer.name_session(session_id, self.name)}"
        shown += f" password={len(password)}" + ("zeros" if password == bytes(len(password)) else "")
        shown += " same" if known and password == self.session[1] else ""
        shown += f" readonly={welcome[20 + len(password):].hex() or 'none'}"
        shown += f" protocol={protocol}" if protocol else ""
        self.session = session_id, password
        self.live = timeout > 0
        return [shown]

    def send(self, payloads):
        self._connection.send_bytes(b"".join(map(frame, payloads)))

    def send_bytes(self, raw):
        self._connection.send_bytes(raw)

    def next_xid(self):
        self._xid += 1
        return self._xid

    def receive(self, patience=PATIENCE):
        """The next reply; events before it are noted."""
        self._connection.set_deadline(patience)
        while True:
            received = self._connection.receive_frame()
            reply = zkwire.Reply(*HEADER.unpack_from(received), received[HEADER.size:])
            if reply.xid != EVENT_XID:
                return reply
            self.seen.append(f"{self.name}:{self._observer.event(reply)}")

    def observe_reply(self, name, xid, label, patience=PATIENCE):
        """The reply to one request, as an item."""
        try:
            reply = self.receive(patience)
        except Disconnected:
            self.hang_up()
            self.seen.append("closed")
            return
        except socket.timeout:
            self.seen.append("silence")
            return
        odd = "" if reply.xid == xid else f" xid={reply.xid}"
        if reply.zxid <= 0:
            odd += f" zxid={reply.zxid}"
        else:
            if name in WRITES and reply.error == 0:
                odd += self._observer.wrote(reply.zxid, label)
            odd += " zxid-went-back" if reply.zxid < self._newest else ""
            self._newest = max(self._newest, reply.zxid)
        self.seen.append(self._observer.reply(name, reply) + odd)

    def settle(self):
        """Waits until nothing more can be under way: a ping is answered after it."""
        if not self.open:
            return
        try:
            if self.live:
                self.send([integer(PING_XID) + integer(OPS["ping"])])
                reply = self.receive()
                if reply.xid != PING_XID or reply.error != 0:
                    self.seen.append(f"{self.name}:unasked reply {reply.xid} {reply.error}")
        except Disconnected:
            self.seen.append(f"{self.name}:closed")
            self.hang_up()
        except socket.timeout:
            self.seen.append(f"{self.name}:stuck")
            self.hang_up()

    def await_any(self, patience):
        """Waits for an event, a reply or the end."""
        self._connection.set_deadline(patience)
        try:
            received = self._connection.receive_frame()
            reply = zkwire.Reply(*HEADER.unpack_from(received), received[HEADER.size:])
            self.seen.append(f"{self.name}:" + (
                self._observer.event(reply) if reply.xid == EVENT_XID else f"reply {reply.xid} {reply.error}"))
        except Disconnected:
            self.seen.append(f"{self.name}:closed")
            self.hang_up()
        except socket.timeout:
            self.seen.append("silence")

    def finish_sending(self):
        self._connection.finish_sending()

    def hang_up(self):
        self.open = self.live = False
        self._connection.abort()

    def take_seen(self):
        seen, self.seen = self.seen, []
        return seen


class Player:
    """Plays one case."""

    def __init__(self, case, port, root, root_zxid):
        self._case, self._port = case, port
        self._observer = Observer(root, root_zxid)
        self._encoder = Encoder(root, self._observer.zxid_of)
        self._peers = {}

    def play(self):
        """The items observed at each step."""
        try:
            return [self._step(number, step) for number, step in enumerate(self._case.steps, 1)]
        finally:
            for peer in self._peers.values():
                peer.hang_up()

    def _step(self, number, step):
        who, _, request = step.text.partition(" ")
        if who == "word":
            return word_shape(self._port, request.split()[0])
        verb = request.split()[0]
        if verb in ("connect", "dial"):
            return self._connect(who, request) + self._others(who)
        peer = self._peer(who)
        try:
            self._send(peer, number, verb, request)
        except Disconnected:
            peer.hang_up()
            peer.seen.append("closed")
        following = self._case.steps[number:number + 1]
        if following and " await " in following[0].text:
            # What comes next is for that step to see, however soon it comes.
            return peer.take_seen()
        if verb not in ("await", "drop"):
            peer.settle()
        return self._peers[who].take_seen() + self._others(who)

    def _others(self, who):
        """What the other connections of the case have been told meanwhile."""
        seen = []
        for name in sorted(self._peers):
            if name != who:
                self._peers[name].settle()
                seen += self._peers[name].take_seen()
        return seen

    def _peer(self, name):
        if name not in self._peers:
            self._connect(name, "connect")
        return self._peers[name]

    def _send(self, peer, number, verb, request):
        rest = request.partition(" ")[2]
        if not peer.open:
            peer.seen.append("not connected")
        elif verb == "await":
            peer.await_any(float(rest))
        elif verb == "drop":
            peer.hang_up()
        elif verb == "bytes":
            peer.send_bytes(data_of(rest))
            peer.observe_reply("raw", None, "", QUIET)
        elif verb == "half":
            # The frame breaks off in the middle, and nothing more comes.
            payload = self._request(peer, rest)[2]
            peer.send_bytes(frame(payload)[:-1])
            peer.finish_sending()
            peer.observe_reply("raw", None, "")
        elif verb == "cut":
            self._cut(peer, rest)
        elif verb == "login":
            self._login(peer, *rest.split())
        else:
            self._requests(peer, number, request)

    def _requests(self, peer, number, request):
        """One request, or several between && that are sent in one piece."""
        encoded = [self._request(peer, part.strip()) for part in request.split("&&")]
        peer.send([payload for _, _, payload, _ in encoded])
        for place, (name, xid, _, patience) in enumerate(encoded, 1):
            if peer.open:
                peer.observe_reply(name, xid, f"@{number}" + (f".{place}" if place > 1 else ""), patience)

    def _request(self, peer, request):
        """The name, the xid of the reply, the payload, and how long to wait for the reply."""
        patience = PATIENCE
        if request[0] == "?":
            patience, request = QUIET, request[1:]
        verb, _, rest = request.partition(" ")
        if verb == "op":
            code, _, record = rest.replace("{root}", self._encoder.root.decode()).partition(" ")
            xid = peer.next_xid()
            return "raw", xid, integer(xid) + integer(int(code)) + (data_of(record) if record else b""), patience
        if verb == "xid":
            forged, _, rest = rest.partition(" ")
            name, record = self._encoder.operation(rest)
            return name, _reply_xid(name, int(forged)), integer(int(forged)) + integer(_code(name)) + record, patience
        tail, size = b"", None
        if verb == "tail":
            tail, _, rest = rest.partition(" ")
            tail, request = bytes.fromhex(tail), rest
        elif verb == "sized":
            size, _, request = rest.partition(" ")
        name, record = self._encoder.operation(request)
        xid = peer.next_xid()
        payload = integer(xid) + integer(_code(name)) + record + tail
        if size:
            missing = int(size) - len(payload)
            payload = integer(xid) + integer(_code(name))
            payload += self._encoder.operation(request.replace("FILL", f"zeros:{missing + 4}"))[1]
            assert len(payload) == int(size), (len(payload), size)
        return name, _reply_xid(name, xid), payload, patience

    @staticmethod
    def _login(peer, user, password):
        """A whole SASL exchange; the tokens are told by the names in them."""
        sasl = puresasl.client.SASLClient("zk-sasl-md5", "zookeeper", mechanism="DIGEST-MD5",
                                          username=user, password=password)
        response = sasl.process() or b""
        while not sasl.complete:
            peer.send([integer(peer.next_xid()) + integer(OPS["sasl"]) + buffer(response)])
            reply = peer.receive()
            token = zkwire.read_buffer(reply.body, 0)[0] if reply.body else None
            shown = " ".join(token_fields(token or b""))
            peer.seen.append(f"{error_name(reply.error)} {shown}".strip())
            if not token:
                return
            response = sasl.process(token)

    def _cut(self, peer, request):
        """The request with its record cut after each number of bytes; outcomes that follow one another are joined."""
        name, record = self._encoder.operation(request)
        outcomes = []
        for length in range(len(record)):
            if not peer.open:
                peer = self._connect_again(peer)
            xid = peer.next_xid()
            try:
                peer.send([integer(xid) + integer(_code(name)) + record[:length]])
            except Disconnected:
                pass
            peer.observe_reply(name, _reply_xid(name, xid), "")
            peer.settle()
            outcome = ", ".join(peer.take_seen())
            if not outcomes or outcomes[-1][1] != outcome:
                outcomes.append([length, outcome])
        self._peers[peer.name].seen = [f"from {length}: {outcome}" for length, outcome in outcomes]

    def _connect_again(self, peer):
        self._connect(peer.name, "connect")
        return self._peers[peer.name]

    def _connect(self, name, request):
        """`connect` with its options, or `dial`: a socket, and no session yet."""
        request, *behind = (part.strip() for part in request.split("&&"))
        verb, *tokens = tokens_of(request)
        options = dict(token.split("=", 1) for token in tokens)
        peer = Peer(name, self._port, self._observer)
        before = self._peers.get(name)
        self._peers[name] = peer
        if before is not None and before.open:
            before.hang_up()
        if verb == "dial":
            return []
        session, password = 0, bytes(16)
        if "session" in options:
            of = options["session"]
            source = before if of == name else self._peers.get(of)
            session, password = source.session if source else (int(of), bytes(16))
        if options.get("password") == "wrong":
            password = bytes(byte ^ 1 for byte in password)
        elif "password" in options:
            password = data_of(options["password"])
        peer.session = session, password or b""
        last = options.get("last", "0")
        payload = struct.pack(">iqiq", int(options.get("protocol", 0)), self._observer.zxid_of(last),
                              int(options.get("timeout", TIMEOUT_MS)), session) + buffer(password)
        payload += {"none": b""}.get(options.get("readonly"), bytes([int(options.get("readonly", "0") == "1")]))
        payload += data_of(options["tail"]) if "tail" in options else b""
        payload = payload[:int(options["cut"])] if "cut" in options else payload
        encoded = [self._request(peer, part) for part in behind]
        try:
            seen = peer.shake_hands(payload, [payload for _, _, payload, _ in encoded])
        except socket.timeout:
            seen = ["silence"]
            peer.hang_up()
        if peer.open and not peer.live:
            peer.await_any(PATIENCE)
        for name, xid, _, patience in encoded if peer.live else ():
            peer.observe_reply(name, xid, "", patience)
        return seen + peer.take_seen()


def _code(name):
    return OPS[name.split()[0]]


def _reply_xid(name, xid):
    return PING_XID if name == "ping" else xid


def word_shape(port, word):
    """The lines of a four-letter word's answer, their keys without the values."""
    try:
        answer = servers.four_letter_word(port, word)
    except (ConnectionError, socket.timeout) as reason:
        return [type(reason).__name__]
    if not answer:
        return ["closed"]
    shapes = set()
    for line in answer.splitlines():
        if word == "mntr":
            shapes.add(_metric(line.partition("\t")[0]) if "\t" in line else "no key: " + line)
        elif word in ("conf", "envi"):
            shapes.add(line.partition("=")[0])
        elif re.match(r" /[\d.]+:\d+\[", line):
            shapes.add(re.sub(r"\w*\d\w*", "N", line.partition("(")[0]))
            shapes.update(part.partition("=")[0] for part in line.partition("(")[2].rstrip(")").split(","))
        elif ": " in line and not line.startswith("\t"):
            shapes.add(line.partition(": ")[0])
        else:
            shapes.add(re.sub(r"\w*\d\w*", "N", line.strip().partition(" expire at ")[0]))
    # Paths are what the other cases left.
    return sorted(shape for shape in shapes if shape and shape[0] != "/")


def _metric(key):
    """Most of ZooKeeper's metrics come as a family of up to nine; and some are named after the znodes there are."""
    family = re.fullmatch(r"zk_(?:avg|cnt|max|min|p50|p95|p99|p999|sum)_(.*)", key)
    if family is None or family[1] in ("latency", "client_response_size", "file_descriptor_count"):
        return key
    return "" if family[1].endswith("_per_namespace") else f"zk_*_{family[1]}"
