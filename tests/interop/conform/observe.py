"""What comes back, as text that is the same on every run: zxids, session ids and times become relations."""

import re
import struct
import time

import zkwire
from conform.language import OPS, PERMISSIONS, digest_of

ERRORS = {
    0: "ok", -1: "SYSTEMERROR", -2: "RUNTIMEINCONSISTENCY", -3: "DATAINCONSISTENCY", -4: "CONNECTIONLOSS",
    -5: "MARSHALLINGERROR", -6: "UNIMPLEMENTED", -7: "OPERATIONTIMEOUT", -8: "BADARGUMENTS", -12: "UNKNOWNSESSION",
    -13: "NEWCONFIGNOQUORUM", -14: "RECONFIGINPROGRESS", -101: "NONODE", -102: "NOAUTH", -103: "BADVERSION",
    -108: "NOCHILDRENFOREPHEMERALS", -110: "NODEEXISTS", -111: "NOTEMPTY", -112: "SESSIONEXPIRED",
    -113: "INVALIDCALLBACK", -114: "INVALIDACL", -115: "AUTHFAILED", -118: "SESSIONMOVED", -119: "NOTREADONLY",
    -121: "NOWATCHER", -122: "REQUESTTIMEOUT", -123: "RECONFIGDISABLED", -124: "SESSIONCLOSEDREQUIRESASLAUTH",
    -125: "QUOTAEXCEEDED", -127: "THROTTLEDOP",
}
EVENTS = {1: "created", 2: "deleted", 3: "changed", 4: "children", 5: "dataWatchRemoved", 6: "childWatchRemoved",
          7: "persistentWatchRemoved"}
NAMES = {number: name for name, number in OPS.items()}
CONNECTED = 3
# Clocks of one machine; a znode's times can't be further from now than a case takes.
CLOCK_SLACK = 300


def error_name(code):
    return ERRORS.get(code, str(code))


class Reader:
    """Takes fields off a record."""

    def __init__(self, body):
        self._body, self._at = body, 0

    def integer(self):
        return self._take(">i")

    def long(self):
        return self._take(">q")

    def boolean(self):
        return self._take(">?")

    def buffer(self):
        data, self._at = zkwire.read_buffer(self._body, self._at)
        return data

    def stat(self):
        stat = zkwire.read_stat(self._body, self._at)
        self._at += 68
        return stat

    def rest(self):
        return self._body[self._at:]

    def _take(self, layout):
        (value,) = struct.unpack_from(layout, self._body, self._at)
        self._at += struct.calcsize(layout)
        return value


class Observer:
    """Normalises what one case sees."""

    def __init__(self, root, root_zxid):
        self._root = root
        self._zxids = {root_zxid: "@0"}
        self._sessions = {}
        self._newest_write = root_zxid

    def zxid_of(self, label):
        """The zxid that a label stands for, or a number; `ahead` is one that no server has reached."""
        if label == "ahead":
            return self._newest_write + (1 << 40)
        named = [zxid for zxid, name in self._zxids.items() if name == label]
        return named[0] if named else int(label)

    def name_session(self, session_id, name):
        """The name of a session: that of the connection which first had it."""
        return "0" if session_id == 0 else self._sessions.setdefault(session_id, name)

    def wrote(self, zxid, label):
        """Notes a write's zxid; says so when it is not newer than the writes before."""
        if zxid <= self._newest_write:
            return " zxid-not-new"
        self._newest_write = zxid
        self._zxids[zxid] = label
        return ""

    def path(self, raw):
        if raw is None:
            return "null"
        if raw == self._root:
            return "."
        quota = b"/zookeeper/quota" + self._root
        if raw == quota or raw.startswith(quota + b"/"):
            return "quota:" + text(raw[len(quota):])
        below = raw.startswith(self._root + b"/")
        return ("" if below else "=") + text(raw[len(self._root):] if below else raw)

    def event(self, reply):
        kind, state = struct.unpack_from(">ii", reply.body)
        raw = zkwire.read_buffer(reply.body, 8)[0]
        odd = "" if (reply.zxid, reply.error, state) == (-1, 0, CONNECTED) else f" {reply.zxid},{reply.error},{state}"
        return f"{EVENTS.get(kind, kind)} {self.path(raw)}{odd}"

    def reply(self, name, reply):
        """A reply's code and body."""
        shown = error_name(reply.error)
        reader = Reader(reply.body)
        if reply.error != 0:
            return shown + (" with-body" if reply.body else "")
        try:
            shown = " ".join([shown, *self._body(name, reader)])
        except struct.error:
            return shown + " unreadable " + reply.body.hex()
        rest = reader.rest()
        return shown + (f" +{rest.hex()}" if rest else "")

    def _body(self, name, reader):
        name, _, ordered = name.partition(" ")
        if name in ("create", "sync"):
            return [self.path(reader.buffer())]
        if name in ("create2", "createContainer", "createTTL"):
            return [self.path(reader.buffer()), self._stat(reader.stat())]
        if name in ("exists", "setData", "setACL", "check"):
            return [self._stat(reader.stat())]
        if name == "getData":
            return [data(reader.buffer()), self._stat(reader.stat())]
        if name == "reconfig":
            return [data(reader.buffer()), self._stat(reader.stat())]
        if name == "getChildren":
            return [self._names(reader)]
        if name == "getChildren2":
            return [self._names(reader), self._stat(reader.stat())]
        if name == "getACL":
            return [self._acl(reader, bool(ordered)), self._stat(reader.stat())]
        if name == "getEphemerals":
            return [self._vector(reader, lambda: self.path(reader.buffer()))]
        if name in ("getAllChildrenNumber", "addWatch"):
            return [str(reader.integer())]
        if name == "sasl":
            return ["null" if (token := reader.buffer()) is None else " ".join(token_fields(token))]
        if name == "whoAmI":
            return [self._vector(reader, lambda: f"{_plain(reader)}:{_plain(reader)}")]
        if name in ("multi", "multiRead"):
            return ["[" + "; ".join(self._results(reader)) + "]"]
        return []

    def _results(self, reader):
        while True:
            kind, done, error = reader.integer(), reader.boolean(), reader.integer()
            if done:
                if (kind, error) != (-1, -1):
                    yield f"end {kind},{error}"
                return
            if kind == -1:
                code = reader.integer()
                yield error_name(code) + ("" if code == error else f"/{error_name(error)}")
            else:
                name = NAMES.get(kind, str(kind))
                body = [] if name in ("check", "delete") else self._body(name, reader)
                yield " ".join([name + ("" if error == 0 else f"/{error}"), *body])

    def _names(self, reader):
        # Their order means nothing.
        return self._vector(reader, lambda: text(reader.buffer()))

    @staticmethod
    def _vector(reader, element, sort=True):
        count = reader.integer()
        if count < 0:
            return "null"
        elements = [element() for _ in range(count)]
        return "(" + " ".join(sorted(elements) if sort else elements) + ")"

    def _acl(self, reader, sort):
        def entry():
            mask, scheme, identity = reader.integer(), _plain(reader), _plain(reader)
            letters = "".join(letter for bit, letter in enumerate(PERMISSIONS) if mask >> bit & 1)
            user = identity.partition(":")[0]
            who = f"@{user}" if scheme == "digest" and identity == digest_of(user) else f"{scheme}:{identity}"
            return f"{who}:{letters if 0 <= mask < 32 else mask}"
        return self._vector(reader, entry, sort)

    def _stat(self, stat):
        def label(zxid):
            return self._zxids.get(zxid, "0" if zxid == 0 else "?")
        if stat.czxid == 0 and stat.pzxid != 0:
            return "{root}"  # whose children the other cases make
        shown = f"c{label(stat.czxid)} m{label(stat.mzxid)} p{label(stat.pzxid)}"
        shown += f" v{stat.version}.{stat.cversion}.{stat.aversion} len{stat.data_length} kids{stat.children}"
        if stat.ephemeral_owner:
            shown += " own=" + self._sessions.get(stat.ephemeral_owner, hex(stat.ephemeral_owner & (1 << 64) - 1))
        now = time.time()
        unchanged = stat.mzxid == stat.czxid
        if stat.ctime == 0 and stat.mtime == 0:
            shown += " no-times"
        elif stat.mtime < stat.ctime or (unchanged and stat.mtime != stat.ctime):
            shown += " times-at-odds"
        elif abs(stat.ctime / 1000 - now) > CLOCK_SLACK or abs(stat.mtime / 1000 - now) > CLOCK_SLACK:
            shown += " times-not-now"
        return "{" + shown + "}"


def text(raw):
    """Bytes as text, escaped where not plain; a null is told from an empty one."""
    if raw is None:
        return "null"
    shown = raw.decode("utf-8", "backslashreplace")
    return "".join(c if " " < c <= "~" else f"\\x{ord(c):02x}" if c <= " " else f"\\u{ord(c):04x}" for c in shown)


def data(raw):
    if raw is None:
        return "null"
    return f"zeros:{len(raw)}" if len(raw) > 20 else f'"{text(raw)}"'


def token_fields(token):
    """The names in a SASL token: their values are different each time."""
    return re.findall(r"(?:^|,)([a-z]+)=", token.decode())


def _plain(reader):
    return text(reader.buffer())
