// The phone of somebody who signs in: an authenticator (RFC 6238: SHA-1, six digits, 30 s).
import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

const STEP_MS = 30_000;
/** Longer than from reading a code to its being looked at. */
const TYPING_MS = 8_000;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function bytesOf(base32) {
  const bits = [...base32].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

export class Phone {
  #key;
  #used = 0;

  /** `secret` in base32, as the page shows it. */
  constructor(secret) {
    this.#key = bytesOf(secret.replaceAll(" ", ""));
  }

  static scanning(uri) {
    return new Phone(new URL(uri).searchParams.get("secret"));
  }

  #at(step) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const digest = createHmac("sha1", this.#key).update(counter).digest();
    const number = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, "0");
  }

  /** One that was not used yet. Each is good once, and taken from 30 s before its time to 30 s after it. */
  async code() {
    const now = Math.floor(Date.now() / STEP_MS);
    const first = Date.now() % STEP_MS < STEP_MS - TYPING_MS ? now - 1 : now;
    this.#used = Math.max(first, this.#used + 1);
    await pause(Math.max(0, (this.#used - 1) * STEP_MS - Date.now()));
    return this.#at(this.#used);
  }

  /** One that is not good at any time near. */
  wrong() {
    const now = Math.floor(Date.now() / STEP_MS);
    const good = [-2, -1, 0, 1, 2, 3].map((step) => this.#at(now + step));
    return ["000000", "111111", "222222", "333333", "444444", "555555", "666666"].find((code) => !good.includes(code));
  }
}
