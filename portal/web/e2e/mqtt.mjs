// Just enough of MQTT 3.1.1 to publish at QoS 1 and to know that it was acknowledged.
import { connect } from "node:net";

const field = (text) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

function packet(first, ...parts) {
  const body = Buffer.concat(parts);
  const length = [];
  for (let left = body.length; ; left >>= 7) {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** Splits the stream into packets; the server's are all shorter than 128 bytes. */
function* packets(state, chunk) {
  state.rest = Buffer.concat([state.rest, chunk]);
  while (state.rest.length >= 2 && state.rest.length >= 2 + state.rest[1]) {
    const end = 2 + state.rest[1];
    yield state.rest.subarray(0, end);
    state.rest = state.rest.subarray(end);
  }
}

export class Publisher {
  #socket;
  #id = 0;
  #waiting = new Map();

  /** Resolves once the server accepted the device; rejects with its CONNACK code. */
  static open(host, port, device, secret) {
    const publisher = new Publisher();
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      publisher.#socket = socket;
      const state = { rest: Buffer.alloc(0) };
      socket.on("connect", () => {
        // Clean session, user name, password; keep-alive 30 s.
        const header = Buffer.concat([field("MQTT"), Buffer.from([4, 0xc2, 0, 30])]);
        socket.write(packet(0x10, header, field(device), field(device), field(secret)));
      });
      socket.on("data", (chunk) => {
        for (const bytes of packets(state, chunk)) {
          if (bytes[0] === 0x20) bytes[3] === 0 ? resolve(publisher) : reject(new Error(`CONNACK ${bytes[3]}`));
          if (bytes[0] === 0x40) publisher.#acknowledged(bytes.readUInt16BE(2));
        }
      });
      socket.on("error", reject);
      socket.on("close", () => {
        reject(new Error("closed before CONNACK"));
        for (const { reject: lost } of publisher.#waiting.values()) lost(new Error("closed before PUBACK"));
        publisher.#waiting.clear();
      });
    });
  }

  /** Resolves at PUBACK. */
  publish(topic, payload) {
    this.#id = (this.#id % 65_535) + 1;
    const id = this.#id;
    this.#socket.write(packet(0x32, field(topic), Buffer.from([id >> 8, id & 255]), Buffer.from(payload)));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  close() {
    this.#socket.destroy();
  }

  #acknowledged(id) {
    this.#waiting.get(id)?.resolve();
    this.#waiting.delete(id);
  }
}
