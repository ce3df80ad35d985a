"""Publishes ten frames with QoS 1, is taken over, and checks the codes, the command and the will that clients of paho see:
PORT 3|5 DEVICE SECRET SERVICE SECRET [CA]."""

import datetime
import queue
import sys

import paho.mqtt
import paho.mqtt.client as mqtt

port, version, device, secret, service, other = int(sys.argv[1]), *sys.argv[2:7]
ca = sys.argv[7] if len(sys.argv) > 7 else None
protocol = mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311
WAIT = 30


def connect(password, name=device, will=None):
    events = queue.Queue()
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol, reconnect_on_failure=False
    )
    client.username_pw_set(name, password)
    if will:
        client.will_set(f"vigil/v1/{name}/status", will, qos=1, retain=True)
    client.on_message = lambda c, u, message: events.put(("message", (message.topic, message.payload)))
    client.on_connect = lambda c, u, f, reason, p: events.put(("connect", reason))
    client.on_publish = lambda c, u, mid, reason, p: events.put(("publish", reason))
    client.on_subscribe = lambda c, u, mid, reasons, p: events.put(("subscribe", reasons[0]))
    client.on_disconnect = lambda c, u, f, reason, p: events.put(("disconnect", reason))
    if ca:
        client.tls_set(ca_certs=ca)
    client.connect("localhost", port)
    client.loop_start()
    return client, events


def expect(events, kind):
    got, reason = events.get(timeout=WAIT)
    assert got == kind, f"{got} {reason} instead of {kind}"
    return reason


client, events = connect("wrong")
assert expect(events, "connect").is_failure
client.loop_stop()

client, events = connect(secret)
assert not expect(events, "connect").is_failure
for number in range(10):
    at = datetime.datetime.now(datetime.timezone.utc).isoformat()
    client.publish(f"vigil/v1/{device}/vitals", f'{{"t":"{at}","seq":{number},"hr":72}}', qos=1)
for number in range(10):
    assert not expect(events, "publish").is_failure
client.subscribe("vigil/v1/somebody-else/down/#", qos=1)
assert expect(events, "subscribe").is_failure
client.subscribe(f"vigil/v1/{device}/down/#", qos=2)
assert expect(events, "subscribe").value == 1, "QoS 2 is granted 1"
client.publish("vigil/v1/somebody-else/vitals", "{}", qos=1)
if version == "5":
    assert expect(events, "publish").value == 0x87
else:
    assert expect(events, "disconnect").is_failure
client.loop_stop()

# A service sees the will of a client that another one takes over, and commands that one.
desk, heard = connect(other, service)
assert not expect(heard, "connect").is_failure
desk.subscribe(f"vigil/v1/{device}/status", qos=1)
assert not expect(heard, "subscribe").is_failure
first, events = connect(secret, will="gone")
assert not expect(events, "connect").is_failure
second, later = connect(secret)
assert not expect(later, "connect").is_failure
reason = expect(events, "disconnect")
# Before 2.2 paho takes a reason without properties for none: then the end itself is what it sees.
if version == "3" or tuple(map(int, paho.mqtt.__version__.split(".")[:2])) >= (2, 2):
    assert reason.is_failure and (version == "3" or reason.value == 0x8E), reason
assert expect(heard, "message") == (f"vigil/v1/{device}/status", b"gone")
second.subscribe(f"vigil/v1/{device}/down/#", qos=1)
assert not expect(later, "subscribe").is_failure
desk.publish(f"vigil/v1/{device}/down/limits", b"{}", qos=1)
assert expect(later, "message") == (f"vigil/v1/{device}/down/limits", b"{}")
# An empty status takes the will away again, for the next run.
second.publish(f"vigil/v1/{device}/status", b"", qos=1, retain=True)
assert not expect(later, "publish").is_failure
for client in (desk, first, second):
    client.disconnect()
    client.loop_stop()
print("ok")
