"""Runs what paho's own test suite has for a client against Vigil's front: SUITE PORT SECRET. The source is fetched by
`./vigil test`.

Its tests put a broker of their own before the client; here the front stands in its place. The programs of `tests/lib/clients`
must take the course that the suite's test of the same name prescribes, and end well. Of `tests/test_mqttv5.py`, which wants a
broker that is not in the package, those that ask nothing of it that Vigil does not offer."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from translate import Translated, World, binary, packet, split

SUITE, PORT, SECRET = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
CLIENTS = SUITE / "tests" / "lib" / "clients"
PATIENCE = 30
NAMES = {1: "CONNECT", 2: "CONNACK", 3: "PUBLISH", 4: "PUBACK", 8: "SUBSCRIBE", 9: "SUBACK", 10: "UNSUBSCRIBE",
         11: "UNSUBACK", 12: "PINGREQ", 13: "PINGRESP", 14: "DISCONNECT"}  # fmt: skip

ADMITTED = ["CONNECT", "CONNACK"]
SUBSCRIBED = [*ADMITTED, "SUBSCRIBE", "SUBACK", "DISCONNECT"]
SENT = [*ADMITTED, "PUBLISH", "DISCONNECT"]
STORED = [*ADMITTED, "PUBLISH", "PUBACK", "DISCONNECT"]
# Subscribes, is sent a message, answers with one of its own at QoS 1, leaves.
SPOKEN_TO = [*ADMITTED, "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PUBLISH", "PUBLISH", "PUBACK", "PUBACK",
             "DISCONNECT"]  # fmt: skip
COURSES = {
    "01-asyncio": SPOKEN_TO,
    "01-decorators": SPOKEN_TO,
    "01-keepalive-pingreq": [*ADMITTED, "PINGREQ", "PINGRESP"],
    "01-no-clean-session": ADMITTED,
    "01-unpwd-set": ADMITTED,
    "01-unpwd-unicode-set": ADMITTED,
    "01-will-set": ADMITTED,
    "01-will-unpwd-set": ADMITTED,
    "02-subscribe-qos0": SUBSCRIBED,
    "02-subscribe-qos1": SUBSCRIBED,
    "02-subscribe-qos2": SUBSCRIBED,
    "02-unsubscribe": [*ADMITTED, "UNSUBSCRIBE", "UNSUBACK", "DISCONNECT"],
    "03-publish-c2b-qos1-disconnect": STORED,
    "03-publish-fill-inflight": [*ADMITTED, *["PUBLISH"] * 12, *["PUBACK"] * 12],
    "03-publish-helper-qos0": SENT,
    "03-publish-helper-qos0-v5": SENT,
    "03-publish-helper-qos1-disconnect": STORED,
    "03-publish-qos0": SENT,
    "03-publish-qos0-no-payload": SENT,
    "04-retain-qos0": [*ADMITTED, "PUBLISH"],
}
# Ends by itself; the others wait to be interrupted.
ENDS = "01-asyncio"
NOT_APPLICABLE = {
    "01-reconnect-on-failure": "wants to be refused",
    "01-unpwd-empty": "an empty secret proves nothing",
    "01-zero-length-clientid": "no client id is made up",
    "03-publish-b2c-qos1": "wants the packet identifier 123",
    "03-publish-b2c-qos2": "QoS 2",
    "03-publish-c2b-qos2": "QoS 2",
    "08-ssl": "certificates of its own; paho over TLS is in paho_client.py",
}
# Of test_mqttv5.py; the others want QoS 2, sessions, topics of their own or other codes.
CASES = ["test_connect_fail", "test_client_topic_alias", "test_unsubscribe"]


class Proxy:
    """A port of its own for one client of the suite: what it says is translated, and the packets that pass are noted."""

    def __init__(self, world):
        self.world, self.passed = world, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            front = Translated(self.world, None)
            for source, target in ((client, front), (front, client)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source, target):
        left = b""
        try:
            while data := source.recv(65536):
                left += data
                while (cut := split(left)) is not None:
                    first, body, left = cut
                    self.passed.append(NAMES.get(first >> 4, f"{first:#x}"))
                    target.sendall(packet(first, body))
        except OSError:
            pass
        target.close()

    def close(self):
        self.listener.close()


def speak(world, topic):
    """A service sends something to whoever subscribed."""
    desk = Translated(world, PATIENCE)
    desk.send(packet(0x10, binary(b"MQTT") + b"\4\2\0\x3c" + binary(b"desk")))
    assert desk.recv(4) == b"\x20\2\0\0"
    desk.send(packet(0x32, binary(topic) + b"\0\1message"))
    assert desk.recv(4) == b"\x40\2\0\1"
    desk.close()


def course(job):
    """Runs one client; answers what went another way."""
    number, name = job
    world = World(("127.0.0.1", PORT), SECRET, f"suite-{number}", f"suite-{number}-desk", {"desk"})
    proxy, wanted = Proxy(world), COURSES[name]
    environment = dict(os.environ, PAHO_SERVER_PORT=str(proxy.port), PYTHONPATH=str(SUITE))
    client = subprocess.Popen(
        [sys.executable, CLIENTS / f"{name}.py"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        said = follow(client, name, wanted, world, proxy)
    except (OSError, AssertionError, subprocess.TimeoutExpired) as error:
        said = repr(error)
    finally:
        client.kill()
        proxy.close()
    # Interrupted before it had begun to wait for it is as good.
    ended = client.returncode == 0 or name != ENDS and "KeyboardInterrupt" in said
    passed = proxy.passed[: len(wanted)]
    if not ended or sorted(passed) != sorted(wanted) or passed[:2] != ADMITTED:
        return f"{name}: {client.returncode} {proxy.passed} {said[-500:]}"
    return None


def follow(client, name, wanted, world, proxy):
    """Until it has taken its course, or has had its time; answers what it complained of."""
    begin, spoken = time.monotonic(), False
    # PUBLISH and PUBACK of a burst come as they come.
    while sorted(proxy.passed) != sorted(wanted) and time.monotonic() - begin < PATIENCE:
        if wanted is SPOKEN_TO and "UNSUBACK" in proxy.passed and not spoken:
            spoken = True
            speak(world, b"sub-test")
        if client.poll() is not None and len(proxy.passed) >= len(wanted):
            break
        time.sleep(0.02)
    if name != ENDS:
        client.send_signal(signal.SIGINT)
    _, said = client.communicate(timeout=PATIENCE)
    return said.decode()


def cases(number):
    """Those of test_mqttv5.py; answers what failed."""
    proxy = Proxy(World(("127.0.0.1", PORT), SECRET, f"suite-{number}", f"suite-{number}-desk", {"aclient"}))
    server = types.SimpleNamespace(socket=proxy.listener, shutdown=proxy.close)
    brokers = types.ModuleType("mqtt.brokers")
    brokers.run = lambda config: None
    brokers.listeners = types.SimpleNamespace(TCPListeners=types.SimpleNamespace(server=server))
    sys.modules["mqtt"], sys.modules["mqtt.brokers"] = types.ModuleType("mqtt"), brokers
    sys.modules["mqtt"].brokers = brokers
    sys.path.insert(0, str(SUITE))
    from tests.test_mqttv5 import Callbacks, Test

    # Its own waits are for a machine that does nothing else.
    for what in ("connected", "disconnected", "subscribed", "unsubscribed"):
        setattr(Callbacks, f"wait_{what}", lambda self, what=what: getattr(self, f"{what}s").get(timeout=PATIENCE))
    Callbacks.get_messages.__defaults__ = (PATIENCE,)
    with open(os.devnull, "w") as nowhere:
        sys.stdout, told = nowhere, sys.stdout
        result = unittest.TextTestRunner(stream=nowhere).run(unittest.TestSuite(Test(case) for case in CASES))
        sys.stdout = told
    wrong = [f"{case}: {text}" for case, text in [*result.failures, *result.errors, *result.skipped]]
    return wrong if wrong or result.testsRun == len(CASES) else [f"{result.testsRun} of {len(CASES)} ran"]


def main():
    # Where it was ignored (a job in the background), the clients would not hear it either.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begin = time.monotonic()
    names = {path.stem for path in CLIENTS.glob("*.py")} - set(COURSES)
    failures = [f"{name}: neither run nor left out" for name in names if not name.startswith(tuple(NOT_APPLICABLE))]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(course, enumerate(COURSES))
        failures += cases(len(COURSES))
        failures += [failure for failure in found if failure]
    for failure in failures:
        print(failure)
    seconds = time.monotonic() - begin
    print(f"clients {len(COURSES)} cases {len(CASES)} failed {len(failures)} seconds {seconds:.0f}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
