"""Publishes ten frames with QoS 1 and checks the codes that a client of paho sees: PORT 3|5 DEVICE SECRET [CA]."""

import datetime
import queue
import sys

import paho.mqtt.client as mqtt

port, version, device, secret = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
ca = sys.argv[5] if len(sys.argv) > 5 else None
protocol = mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311
WAIT = 30


def connect(password):
    events = queue.Queue()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=device, protocol=protocol)
    client.username_pw_set(device, password)
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
print("ok")
