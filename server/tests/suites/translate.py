"""Lets a test suite that knows no devices speak to Vigil's front: a socket that puts enrolled names, secrets and topics into
what the suite sends, and takes them out of what comes back. Packets that it cannot read whole go through as they are: it is
the front, not this, that has to refuse them."""

import socket
import struct


class Unreadable(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Unreadable
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def variable(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 21:
                raise Unreadable

    def binary(self):
        return self.take(self.number(2))

    def properties(self):
        start = self.at
        self.take(self.variable())
        return self.data[start : self.at]

    def rest(self):
        return self.take(len(self.data) - self.at)


def variable(value):
    out = b""
    while True:
        value, byte = value // 128, value % 128
        out += bytes([byte | (128 if value else 0)])
        if not value:
            return out


def binary(data):
    return struct.pack("!H", len(data)) + data


def packet(first, body):
    return bytes([first]) + variable(len(body)) + body


def split(data):
    """The first packet of some bytes; None where it is not whole."""
    reader = Reader(data)
    try:
        first = reader.number(1)
        body = reader.take(reader.variable())
    except Unreadable:
        return None
    return first, body, data[reader.at :]


def is_plain(topic):
    """A topic or filter that is well-formed and wants nothing special: the rest is the front's to refuse."""
    try:
        text = topic.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return 0 < len(text) < 100 and text[0] != "$" and text.isprintable()


class World:
    """Who is who in one test: client ids of the suite and enrolled names."""

    def __init__(self, address, secret, device, service, services=(), watched=None, statuses=False, connack=None):
        self.address, self.secret = address, secret
        self.device, self.service = device, service
        # Client ids that are services; the one whose status they watch.
        self.services, self.watched = services, watched
        # Whether what devices publish is a status; else it is a reading.
        self.statuses = statuses
        # What the suite wants to find in a CONNACK of MQTT 5; None: what there is.
        self.connack = connack
        # Client id to name, name to its filters, topics that came and as what they went.
        self.names, self.filters, self.wills, self.said, self.used = {}, {}, {}, {}, 0

    def name(self, client_id):
        if client_id in self.services:
            return self.service
        if client_id not in self.names:
            self.names[client_id] = f"{self.device}-{self.used}"
            self.used += 1
        return self.names[client_id]

    def begin_again(self):
        """What was kept of the clients so far is no business of those that come."""
        self.names, self.filters, self.wills, self.said = {}, {}, {}, {}

    def subscriber(self, topic):
        for name, filters in self.filters.items():
            if topic in filters or b"#" in filters:
                return name
        return None


class Translated:
    """As much of a socket as the suites use."""

    def __init__(self, world, timeout):
        self.world, self.timeout = world, timeout
        self.plain = socket.create_connection(world.address, timeout)
        self.name, self.version, self.is_service = None, 4, False
        self.coming, self.raw, self.helper = b"", b"", None

    def settimeout(self, timeout):
        self.timeout = timeout
        self.plain.settimeout(timeout)

    def close(self):
        self.world.filters.pop(self.name, None)
        self.plain.close()
        if self.helper:
            self.helper.close()

    def shutdown(self, how):
        self.plain.shutdown(how)

    def sendall(self, data):
        self.send(data)

    def send(self, data):
        left = data
        while left:
            cut = split(left)
            if cut is None:
                self._deliver(left)
                break
            first, body, left = cut
            try:
                outward = self._outward(first, body)
            except Unreadable:
                outward = packet(first, body)
            if outward:
                self._deliver(outward)
        return len(data)

    def _deliver(self, data):
        try:
            self.plain.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has been refused already: what comes back says so.

    def recv(self, count):
        while not self.coming:
            try:
                data = self.plain.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return b""
            self.raw += data
            while (cut := split(self.raw)) is not None:
                first, body, self.raw = cut
                self.coming += self._inward(first, body)
        taken, self.coming = self.coming[:count], self.coming[count:]
        return taken

    def _outward(self, first, body):
        kind, reader = first >> 4, Reader(body)
        if kind == 1:
            return packet(first, self._connect(reader))
        if self.name is None:
            return packet(first, body)
        if kind == 3 and first & 6 != 6:
            return self._publish(first, reader)
        if kind in (8, 10) and first & 15 == 2:
            return packet(first, self._filters(kind, reader))
        return packet(first, body)

    def _connect(self, reader):
        """Field by field, and what is wrong with one stays wrong: the rest is made right, so that it is this that is refused."""
        head, level, flags = reader.binary(), reader.number(1), reader.number(1)
        keep_alive = reader.take(2)
        if head != b"MQTT" or level not in (4, 5):
            raise Unreadable
        out, adds = b"", 0
        try:
            out += reader.properties() if level == 5 else b""
            name = client_id = reader.binary()
            if is_plain(client_id):
                name = self.world.name(client_id.decode()).encode()
                self.name, self.version = name.decode(), level
                self.is_service = self.name == self.world.service
            out += binary(name)
            if flags & 4:
                out += reader.properties() if level == 5 else b""
                topic = reader.binary()
                out += binary(b"vigil/v1/%s/status" % name if is_plain(topic) else topic)
                out += binary(reader.binary())
                self.world.wills[name] = topic
            for bit, good in ((0x80, name), (0x40, self.world.secret)):
                if flags & bit:
                    field = reader.binary()
                    # A password is any bytes; a user name is text.
                    out += binary(good if bit == 0x40 or is_plain(field) or not field else field)
                elif flags & 0xC0 != 0x40 or level == 5 and bit == 0x40:
                    out += binary(good)
                    adds |= bit
        except Unreadable:
            pass
        return binary(head) + bytes([level, flags | adds]) + keep_alive + out + reader.rest()

    def _publish(self, first, reader):
        topic, rest = reader.binary(), None
        identifier = reader.take(2) if first & 6 else b""
        rest = identifier + reader.rest()
        if not is_plain(topic) or b"+" in topic or b"#" in topic:
            return packet(first, binary(topic) + rest)
        if self.is_service:
            target = self.world.subscriber(topic)
            mapped = f"vigil/v1/{target}/down/".encode() + topic
        elif self.world.subscriber(topic) == self.name:
            # To oneself: nobody here reads what it writes, so a service writes it.
            self._by_helper(packet(first, binary(f"vigil/v1/{self.name}/down/".encode() + topic) + rest))
            return None
        else:
            mapped = f"vigil/v1/{self.name}/{'status' if self.world.statuses else 'vitals'}".encode()
            self.world.said[mapped] = topic
        return packet(first, binary(mapped) + rest)

    def _by_helper(self, data):
        if self.helper is None:
            self.helper = Translated(self.world, self.timeout)
            name, secret = self.world.service.encode(), self.world.secret
            properties = b"\0" if self.version == 5 else b""
            body = binary(b"MQTT") + bytes([self.version, 0xC2, 0, 60]) + properties
            self.helper._deliver(packet(0x10, body + binary(name) + binary(name) + binary(secret)))
            assert self.helper.recv(1) == b"\x20"
            self.helper.coming = b""
        self.helper._deliver(data)
        if data[0] & 6:
            self.coming += self.helper.recv(65536)

    def _filters(self, kind, reader):
        out = reader.take(2)
        if self.version == 5:
            out += reader.properties()
        while reader.at < len(reader.data):
            topic, options = reader.binary(), reader.take(1) if kind == 8 else b""
            mapped = topic
            if is_plain(topic):
                if self.is_service:
                    watched = self.world.name(self.world.watched)
                    mapped = f"vigil/v1/{watched}/status".encode()
                else:
                    mapped = f"vigil/v1/{self.name}/down/".encode() + topic
                    filters = self.world.filters.setdefault(self.name, set())
                    (filters.add if kind == 8 else filters.discard)(topic)
            out += binary(mapped) + options
        return out

    def _inward(self, first, body):
        reader = Reader(body)
        if first == 0x20 and self.world.connack is not None and self.version == 5 and body[1:2] == b"\0":
            keep_alive = body[body.index(b"\x13", 3) :][:3] if b"\x13" in body[-3:-2] else b""
            properties = keep_alive + self.world.connack
            return packet(first, body[:2] + variable(len(properties)) + properties)
        if first >> 4 == 3:
            topic = reader.binary()
            parts = topic.split(b"/", 4)
            if parts[3] == b"down":
                topic = parts[4]
            else:
                topic = self.world.said.get(topic) or self.world.wills[parts[2]]
            return packet(first, binary(topic) + reader.rest())
        return packet(first, body)
