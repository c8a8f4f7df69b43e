"""The language of the cases: case files, and each request's line to the bytes of its record.

README.md, "The conformance suite's cases", explains it to who writes cases.
"""

import base64
import hashlib
import re
import struct

import zkwire
from zkwire import buffer, integer

OPS = {
    "create": 1, "delete": 2, "exists": 3, "getData": 4, "setData": 5, "getACL": 6, "setACL": 7, "getChildren": 8,
    "sync": 9, "ping": 11, "getChildren2": 12, "check": 13, "multi": 14, "create2": 15, "reconfig": 16,
    "checkWatches": 17, "removeWatches": 18, "createContainer": 19, "deleteContainer": 20, "createTTL": 21,
    "multiRead": 22, "auth": 100, "setWatches": 101, "sasl": 102, "getEphemerals": 103,
    "getAllChildrenNumber": 104, "setWatches2": 105, "addWatch": 106, "whoAmI": 107, "close": -11,
}
WRITES = {"create", "create2", "createContainer", "createTTL", "delete", "deleteContainer", "setData", "setACL",
          "check", "multi", "reconfig", "close"}
PERMISSIONS = "rwcda"
WIDTH = 118

_TOKEN = re.compile(r'"[^"]*"|\S+')
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4,6})")


class Step:
    """One line of a case: what is sent, and what was observed on the real server."""

    def __init__(self, text, expected, line):
        self.text, self.expected, self.line = text, expected, line


class Case:
    """A title, the server that it wants, and its steps. Each case has a znode of its own to play in."""

    def __init__(self, title, server, steps, line):
        self.title, self.server, self.steps, self.line = title, server, steps, line


def read_cases(text):
    """The cases of one file."""
    cases = []
    for number, line in enumerate(text.splitlines()):
        if line.startswith("== "):
            title, _, server = line[3:].partition(" @")
            cases.append(Case(title, server or "plain", [], number))
        elif line.startswith("    | "):
            cases[-1].steps[-1].expected += [item for item in line[6:].split(" | ") if item]
        elif line and not line.startswith("#"):
            request, expected = split_line(line)
            cases[-1].steps.append(Step(request, expected, number))
    return cases


def split_line(line):
    """A line's request, and the items that are expected."""
    request, _, expected = (line + " ").partition(" => ")
    return request.strip(), [item for item in expected.rstrip().split(" | ") if item]


def write_cases(text, observed):
    """The file's text with each step's expectation replaced; `observed` maps line numbers to items."""
    written, replaced = [], False
    for number, line in enumerate(text.splitlines()):
        if line.startswith("    | "):
            if not replaced:
                written.append(line)
            continue
        replaced = number in observed
        if not replaced:
            written.append(line)
            continue
        current = split_line(line)[0].ljust(40) + " =>"
        joint = " "
        for item in observed[number]:
            if len(current + joint + item) > WIDTH:
                written.append(current.rstrip())
                current, joint = "    |", " "
            current += joint + item
            joint = " | "
        written.append(current)
    return "\n".join(written) + "\n"


def tokens_of(text):
    return _TOKEN.findall(text)


def data_of(token):
    """A token as bytes; None for null."""
    if token == "null":
        return None
    if token.startswith("zeros:"):
        return bytes(int(token[6:]))
    if token.startswith("x:"):
        return bytes.fromhex(token[2:])
    unescaped, at = b"", 0
    token = token.strip('"')
    for found in _ESCAPE.finditer(token):
        unescaped += token[at:found.start()].encode()
        unescaped += bytes.fromhex(found[1]) if found[1] else chr(int(found[2], 16)).encode()
        at = found.end()
    return unescaped + token[at:].encode()


def path_of(token, root):
    """A path: `/p` stands below the case's own znode, `.` is it, `quota:/p` is its quota's, `=/p` is taken as it is."""
    if token == "null":
        return None
    if token == ".":
        return root
    if token.startswith("="):
        return data_of(token[1:])
    if token.startswith("quota:"):
        return b"/zookeeper/quota" + root + data_of(token[6:])
    assert token.startswith("/"), f"no path: {token}"
    return root + data_of(token)


def digest_of(user):
    """The digest id of the user whose password is `pw`."""
    return user + ":" + base64.b64encode(hashlib.sha1(f"{user}:pw".encode()).digest()).decode()


def acl_of(text):
    """`world:anyone:rw,@user:r`; `@user` is the digest of user:pw, `~` null; `null`, `none`, `#COUNT` break it."""
    if text == "null":
        return integer(-1)
    if text == "none":
        return integer(0)
    if text.startswith("#"):
        return integer(int(text[1:]))
    entries = []
    for entry in text.split(","):
        who, _, permissions = entry.rpartition(":")
        scheme, _, identity = ("digest", "", digest_of(who[1:])) if who.startswith("@") else who.partition(":")
        mask = int(permissions) if permissions.lstrip("-").isdigit() else sum(
            1 << PERMISSIONS.index(letter) for letter in permissions)
        entries.append(integer(mask) + _string(scheme) + _string(identity))
    return zkwire.vector(entries)


def _string(text):
    return buffer(None if text == "~" else data_of(text))


class Encoder:
    """Request lines to records, for one case: it knows the case's znode and the zxids seen."""

    def __init__(self, root, zxid_of):
        self.root, self._zxid_of = root, zxid_of

    def operation(self, text):
        """The operation's name and its record."""
        name, *tokens = tokens_of(text)
        if name in ("multi", "multiRead"):
            return name, self._multi(text.partition(" ")[2])
        options = dict(token.split("=", 1) for token in tokens if re.match(r"[a-z]+=", token))
        tokens = [token for token in tokens if not re.match(r"[a-z]+=", token)]
        # `sorted` says that the order of a list means nothing.
        kind = f"{name} sorted" if tokens[-1:] == ["sorted"] else name
        return kind, self._record(name, tokens, options)

    def _record(self, name, tokens, options):
        has_path = tokens and (tokens[0] == "null" or tokens[0][0] in "./=" or tokens[0].startswith("quota:"))
        path = buffer(path_of(tokens[0], self.root)) if has_path else b""
        rest = tokens[1:]
        version = integer(int(options.get("v", -1)))
        if name in ("create", "create2", "createContainer", "createTTL"):
            default_flags = {"createContainer": 4, "createTTL": 5}.get(name, 0)
            record = path + buffer(data_of(rest[0]) if rest else b"")
            record += zkwire.WORLD_ALL if "acl" not in options else acl_of(options["acl"])
            record += integer(int(options.get("flags", default_flags)))
            return record + struct.pack(">q", int(options["ttl"])) if "ttl" in options else record
        if name in ("delete", "check"):
            return path + version
        if name in ("exists", "getData", "getChildren", "getChildren2"):
            return path + bytes([rest == ["w"]])
        if name == "setData":
            return path + buffer(data_of(rest[0])) + version
        if name == "setACL":
            return path + acl_of(options["acl"]) + version
        if name in ("sync", "getACL", "getEphemerals", "getAllChildrenNumber", "deleteContainer"):
            return path
        if name in ("addWatch", "removeWatches", "checkWatches"):
            return path + integer(int(rest[0]))
        if name in ("setWatches", "setWatches2"):
            kinds = ("data", "exist", "child", "persistent", "recursive")[:3 if name == "setWatches" else 5]
            record = struct.pack(">q", self._zxid_of(options["seen"]))
            return record + b"".join(self._paths(options.get(kind, "")) for kind in kinds)
        if name == "auth":
            return integer(0) + _string(tokens[0]) + buffer(data_of(tokens[1]))
        if name == "sasl":
            return buffer(data_of(tokens[0]))
        if name == "reconfig":
            return b"".join(buffer(data_of(token)) for token in tokens) + struct.pack(">q", -1)
        assert name in ("ping", "whoAmI", "close"), f"no operation: {name}"
        return b""

    def _paths(self, text):
        if text.startswith("#"):
            return integer(int(text[1:]))
        return zkwire.vector([buffer(path_of(path, self.root)) for path in text.split(",") if path])

    def _multi(self, text):
        """Operations between semicolons; `type=N` in front of one forges its header, `noend` leaves the end out."""
        record, ended = b"", False
        for part in (part.strip() for part in text.split(";")):
            if part == "noend":
                ended = True
            elif part:
                forged, _, plain = part.partition(" ") if part.startswith("type=") else ("", "", part)
                name, body = self.operation(plain)
                record += integer(int(forged[5:]) if forged else OPS[name]) + b"\0" + integer(-1) + body
        return record if ended else record + integer(-1) + b"\1" + integer(-1)
