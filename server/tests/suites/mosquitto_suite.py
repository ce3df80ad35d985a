"""Runs mosquitto's broker tests against Vigil's front: SUITE PORT SECRET. The source is fetched by `./vigil test`.

Two parts: the tables of packets of `test/broker/data` (sent, expected, closed or not), and those scripts of `test/broker`
that want nothing of a broker that Vigil does not offer. What is left out is named here with its reason."""

import io
import json
import multiprocessing
import os
import re
import runpy
import socket
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from translate import Translated, World

SUITE, PORT, SECRET = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
BROKER = SUITE / "test" / "broker"
ADDRESS = ("127.0.0.1", PORT)
# What mosquitto's CONNACK says where ours says more: its tests compare it byte by byte.
CONNACK = bytes.fromhex("22000A210014")
# How long a closed connection may take to be closed.
PATIENCE = 10
PROCESSES = 4

sys.path.insert(0, str(SUITE / "test"))
sys.path.insert(0, str(BROKER))
import mosq_test  # noqa: E402

# (group, name, why not) of the tables. The last says whether only those are meant in which the connection should live.
LEFT_OUT = [
    (r"v3\.1 |v3$", r"ok|empty", "MQTT 3.1 is not offered: CONNACK 1", False),
    (r"", r"issue 2163 v3", "MQTT 3.1 is not offered: CONNACK 1", False),
    (r"v3.1.1 CONNECT", r"proto ver 6", "a newer protocol is told 0x84 in the form of 5.0", False),
    (r"CONNECT", r"empty client ID$", "no client id is made up: CONNACK 2, 0x85", False),
    (r"PUBLISH|FLOW", r"QoS 2", "QoS 2 is granted 1, and a PUBLISH at 2 is refused: 0x9B, closed", False),
    (r"PUB(REC|REL|COMP)", r"", "QoS 2 is not offered: a protocol error", True),
    (r"SUBSCRIBE", r"single ok QoS 2", "QoS 2 is granted 1", False),
    (r"PUBLISH ALLOWED", r"^topic-alias", "no topic aliases: 0x94", True),
    (r"PUBLISH ALLOWED", r"^subscription-identifier", "mosquitto takes what 5.0 §3.3.4 forbids a client", True),
    (r"PUBLISH ALLOWED", r"^maximum packet size", "a client takes at least 64 bytes: 0x95", True),
    (r"FLOW", r"^topic-alias|^subscription-identifier", "neither topic aliases nor subscription identifiers", True),
    (r"SUBSCRIBE ALLOWED", r"subscription-identifier", "no subscription identifiers: 0xA1", True),
    (r"", r"shared", "no shared subscriptions: SUBACK 0x9E", False),
]


def same(got, expected):
    """Equal, or different where a server is free to choose."""
    if got == expected:
        return True
    # PUBACK: mosquitto says that nobody subscribed (0x10), ours is stored; a success is left out.
    if got[:1] == expected[:1] == b"\x40" and got[2:4] == expected[2:4]:
        return got[4:] in (b"", b"\0") and expected[4:] in (b"", b"\0", b"\x10")
    # DISCONNECT: malformed or a protocol error; §4.13 leaves what is which to judgement.
    return len(got) == 3 and got[:2] == expected[:2] == b"\xe0\x01" and {got[2], expected[2]} == {0x81, 0x82}


def receive(sock, expected):
    """As many bytes as are expected, or a whole other answer."""
    got = b""
    while len(got) < len(expected):
        data = sock.recv(len(expected) - len(got))
        if not data:
            break
        got += data
        if same(got, expected):
            break
    return got


def closed(sock):
    """Whether the front closes, with or without a refusal before."""
    got = b""
    while data := sock.recv(4096):
        got += data
    # Refused for its form: a wrong name or secret would prove nothing.
    disconnect = got[:2] == b"\xe0\x01" and got[2] >= 0x80
    connack = got[:1] == b"\x20" and got[3] not in (0, 2, 4, 5, 0x85, 0x86, 0x87)
    return not got or disconnect or connack


def table(test, group, world):
    """One table of packets; answers what went wrong."""
    sock = Translated(world, PATIENCE)
    version = test.get("ver", 4)
    try:
        if test.get("connect", True):
            sock.send(mosq_test.gen_connect("table", keepalive=60, proto_ver=version))
            expected = mosq_test.gen_connack(rc=0, proto_ver=version)
            if (got := receive(sock, expected)) != expected:
                return f"CONNACK {got.hex()}"
        for message in test["msgs"]:
            if message["type"] == "send":
                sock.send(bytes.fromhex(message["payload"].replace(" ", "")))
            elif message["type"] == "recv":
                expected = bytes.fromhex(message["payload"].replace(" ", ""))
                if not same(got := receive(sock, expected), expected):
                    return f"{got.hex()} instead of {expected.hex()}"
            else:
                helper = Translated(world, PATIENCE)
                helper.send(mosq_test.gen_connect("helper", keepalive=60))
                receive(helper, mosq_test.gen_connack(rc=0))
                topic, payload, qos = message["topic"], message["payload"], message["qos"]
                helper.send(mosq_test.gen_publish(topic, qos, payload, mid=1))
                if qos == 1 and receive(helper, b"\x40\x02\0\1") != b"\x40\x02\0\1":
                    return "the helper got no PUBACK"
                helper.close()
        if test.get("expect_disconnect", True):
            return None if closed(sock) else "still connected, or an answer that is no refusal"
        sock.send(b"\xc0\0")
        return None if receive(sock, b"\xd0\0") == b"\xd0\0" else "not connected any more"
    except socket.timeout:
        return "no answer, or not closed"
    finally:
        sock.close()


def tables(job):
    """All tables of one file; answers (how many ran, how many were left out, what failed)."""
    number, path = job
    ran, left_out, failed = 0, 0, []
    for group in json.loads(path.read_text()):
        if group.get("disable"):
            continue
        for test in group["tests"]:
            lives = not test.get("expect_disconnect", True)
            if any(re.search(g, group["group"]) and re.search(n, test["name"]) and lives >= only for g, n, _, only in LEFT_OUT):
                left_out += 1
                continue
            world = World(ADDRESS, SECRET, f"suite-{number}", f"suite-{number}-desk", {"helper"}, connack=CONNACK)
            wrong = table(test, group["group"], world)
            ran += 1
            if wrong:
                failed.append(f"{path.stem}: {group['group']} {test['name']}: {wrong}")
    return ran, left_out, failed


class NoBroker:
    """What a script starts and stops."""

    returncode = 0

    def terminate(self):
        pass

    def wait(self):
        return 0

    def communicate(self):
        return b"", b""


# Each script that applies: who in it is a service, whose status it watches.
SCRIPTS = {
    "01-connect-disconnect-v5": ({"sub"}, "connect-disconnect-test"),
    "01-connect-take-over": (),
    "02-subpub-qos1": (),
    "02-subscribe-invalid-utf8": (),
    "03-publish-b2c-qos1-len": ({"test-helper"}, None),
    "03-publish-invalid-utf8": (),
    "03-publish-qos1": (),
    "03-publish-qos1-no-subscribers-v5": (),
    "07-will-delay-invalid-573191": (),
    "07-will-invalid-utf8": (),
    "07-will-no-flag": (),
    "07-will-null": ({"will-qos0-test"}, "test-helper"),
    "07-will-null-topic": (),
    "07-will-qos0": ({"will-qos0-test"}, "test-helper"),
    "09-auth-bad-method": (),
    "12-prop-server-keepalive": (),
    "13-malformed-subscribe-v5": (),
    "13-malformed-unsubscribe-v5": (),
    "msg_sequence_test": None,
}
# The others, by the beginning of their name; the first that fits counts.
NOT_APPLICABLE = {
    "01-bad-initial-packets": "measures the memory of mosquitto's process; ours are the hostile_* tests of ingest",
    "01-connect-575314": "a CONNECT of 65 kB: ours has 16 KiB at most",
    "01-connect-max-": "configures mosquitto: its bounds of connections and keep-alive are told otherwise here",
    "01-connect-zero-length-id": "no client id is made up",
    "01-connect-": "configures anonymous clients or a password file; refused secrets are in admission.rs",
    "02-shared-": "no shared subscriptions",
    "02-subhier-crash": "subscribes outside vigil/v1",
    "02-subpub-qos0-subscription-id": "no subscription identifiers",
    "02-subpub-qos0-topic-alias": "no topic aliases",
    "02-subpub-qos0-": "configures mosquitto, or keeps what is no status",
    "02-subpub-qos1-": "sessions, or what is kept on any topic",
    "02-subpub-qos2": "no QoS 2",
    "02-subpub-recover": "sessions",
    "02-subscribe-": "$SYS, sessions, or a filter beyond 256 bytes, which has its SUBACK here",
    "03-pattern-matching": "filters outside vigil/v1",
    "03-publish-dollar": "one of mosquitto's own topics under $SYS; ours are refused in conformance_publish.rs",
    "03-publish-long-topic": "65,535 bytes without a wildcard are refused in their PUBACK here, 0x87",
    "03-publish-b2c-": "sessions, or QoS 2",
    "03-publish-c2b-": "QoS 2",
    "03-publish-qos1-": "configures mosquitto, or sessions",
    "03-publish-qos2": "QoS 2",
    "04-retain-": "what is kept is the status alone: conformance_delivery.rs",
    "05-": "sessions",
    "06-": "bridges",
    "07-will-control": "a control channel of mosquitto's",
    "07-will-disconnect-with-will": "a will at QoS 2; at 1 in conformance_packets.rs",
    "07-will-delay": "sessions: without one a will is said at once",
    "07-will-oversize": "configures mosquitto",
    "07-will-per-listener": "configures mosquitto",
    "07-will-properties": "a status goes on without the properties it came with",
    "07-will-reconnect": "sessions",
    "07-will-takeover": "sessions; a takeover says the will in delivery.rs",
    "08-": "mosquitto's own certificates; ours in tls.rs and hostile_tls.rs",
    "09-": "plugins, access files and extended authentication of mosquitto's",
    "10-": "configures mosquitto",
    "11-": "sessions, kept in a file",
    "12-prop-assigned": "no client id is made up",
    "12-prop-maximum-packet": "a client takes at least 64 bytes, or QoS 2",
    "12-prop-": "a topic alias, or two clients that write what the other reads; properties pass in the tables of FLOW",
    "13-malformed-publish": "a server without retained messages; the rest is in the tables of PUBLISH",
    "14-": "a plugin of mosquitto's",
    "mosq_test_helper": "no test",
    "prop_subpub_helper": "no test",
    "02-subpub-qos2-receive-maximum-helper": "no test",
    "test": "no test",
}


def unnamed():
    """Scripts of the suite that neither run nor are left out with a reason."""
    names = {path.stem for path in BROKER.glob("*.py")}
    return [name for name in sorted(names - set(SCRIPTS)) if not name.startswith(tuple(NOT_APPLICABLE))]


def script(job):
    """Runs one script; answers what it said where it failed."""
    number, name = job
    services, watched = SCRIPTS[name] or ((), None)
    names = (f"suite-{number}", f"suite-{number}-desk")
    world = World(ADDRESS, SECRET, *names, services, watched, watched is not None, CONNACK)
    connections = []

    def connect(hostname=None, port=None, timeout=10):
        connections.append(Translated(world, min(timeout, PATIENCE)))
        return connections[-1]

    def expect(sock, what, expected):
        got = receive(sock, expected)
        if same(got, expected) if expected else closed(sock):
            return True
        # A filter with a wildcard in the wrong place: refused in its SUBACK, 0x8F, and nothing to unsubscribe.
        if what == "Bad topic" and got[:2] in (b"\x90\x04", b"\xb0\x04"):
            return True
        print(f"{what}: {got.hex() or 'not closed'} instead of {expected.hex()}")
        raise mosq_test.TestError

    def start(*_, **__):
        world.begin_again()
        return NoBroker()

    mosq_test.client_connect_only, mosq_test.expect_packet, mosq_test.start_broker = connect, expect, start
    mosq_test.get_port = lambda count=1: PORT
    os.chdir(BROKER)
    said, code = io.StringIO(), 0
    with redirect_stdout(said):
        try:
            runpy.run_path(f"{name}.py", run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        except Exception as error:  # noqa: BLE001
            code = f"{type(error).__name__} {error}"
    return f"{name}: {code}: {said.getvalue().strip()}" if code or "FAIL" in said.getvalue() else None


def main():
    begin = time.monotonic()
    files = sorted((BROKER / "data").glob("*.json"))
    failures = [f"{name}: neither run nor left out" for name in unnamed()]
    scripts = [name for name, use in SCRIPTS.items() if use is not None]
    with multiprocessing.Pool(PROCESSES, maxtasksperchild=1) as pool:
        found = pool.map_async(tables, enumerate(files), chunksize=1)
        run = pool.map_async(script, enumerate(scripts, len(files)), chunksize=1)
        counts = found.get()
        failures += [failure for failure in run.get() if failure]
    ran, left_out = (sum(count[place] for count in counts) for place in (0, 1))
    failures += [failure for count in counts for failure in count[2]]
    for failure in failures:
        print(failure)
    seconds = time.monotonic() - begin
    print(f"tables {ran} left_out {left_out} scripts {len(scripts)} failed {len(failures)} seconds {seconds:.0f}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
