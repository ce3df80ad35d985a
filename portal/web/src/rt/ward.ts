import type { Alarm, FromServer, Latest, LiveDevice, LiveNumber, Step, Token } from "../api/types.gen.ts";

/** A number with the moment it reached this page, from which its age goes on growing. */
export interface Reading extends LiveNumber {
  arrivedAt: number;
  /** What the message had lost on its way, in ms; part of the age. */
  lag: number;
  offset_ms: number;
}

/** What a message changed, for whoever paints. */
export interface Change {
  roster: boolean;
  snapshot: boolean;
  devices: Set<string>;
  /** Transitions to announce, in their order. */
  steps: Step[];
}

/** Age by design.md P4 as the server computed it, grown by what passed since, on the monotonic clock alone. */
export function ageOf(reading: Reading, now: number): number {
  return reading.age_ms + reading.lag + (now - reading.arrivedAt);
}

function later(a: Token, b: Token): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);
}

function nameless(device: LiveDevice): LiveDevice {
  return { ...device, patient: null };
}

/** What the server said, folded. Never invents a transition, never forgets one. */
export class Ward {
  readonly devices = new Map<string, LiveDevice>();
  readonly numbers = new Map<string, Map<string, Reading>>();
  readonly alarms = new Map<string, Alarm>();
  /** The last transition folded in: what a new connection resumes after. */
  position: Token | null = null;
  /** Nobody is named, whatever the server goes on saying. Neither before it is known who is here. */
  #nameless = true;

  apply(message: FromServer, now: number, lag: number): Change {
    const change: Change = { roster: false, snapshot: false, devices: new Set(), steps: [] };
    switch (message.type) {
      case "roster":
        this.#roster(message.devices);
        change.roster = true;
        break;
      case "missed":
        for (const step of message.alarms) this.#step(step, change);
        break;
      case "snapshot":
        this.numbers.clear();
        for (const latest of message.numbers) this.#latest(latest, now, lag);
        this.alarms.clear();
        for (const alarm of message.alarms) this.alarms.set(alarm.id, alarm);
        this.position = { epoch: message.epoch, seq: message.seq };
        change.snapshot = true;
        break;
      case "numbers":
        for (const latest of message.numbers) {
          this.#latest(latest, now, lag);
          change.devices.add(latest.device);
        }
        break;
      case "alarm":
        this.#step(message, change);
        break;
      case "presence":
        this.#presence(message.device, message.connected);
        change.devices.add(message.device);
        break;
      default:
    }
    return change;
  }

  /** Whoever it was shown to has gone. */
  clear(): void {
    this.devices.clear();
    this.numbers.clear();
    this.alarms.clear();
    this.position = null;
  }

  /** Who lies where is for nobody who passes: of what was said, and of what comes until `showNames`. */
  hideNames(): void {
    this.#nameless = true;
    for (const [id, device] of this.devices) this.devices.set(id, nameless(device));
  }

  /** The next roster names again whom it names. True: names were hidden, and what is here has none. */
  showNames(): boolean {
    const hidden = this.#nameless;
    this.#nameless = false;
    return hidden;
  }

  alarmsOf(device: string): Alarm[] {
    return [...this.alarms.values()].filter((alarm) => alarm.device === device);
  }

  #roster(devices: LiveDevice[]): void {
    this.devices.clear();
    for (const device of devices) {
      // Sent before the server knew of the lock, it comes after.
      if (device.kind === "device") this.devices.set(device.id, this.#nameless ? nameless(device) : device);
    }
    for (const id of this.numbers.keys()) if (!this.devices.has(id)) this.numbers.delete(id);
  }

  #latest(latest: Latest, now: number, lag: number): void {
    const known = this.numbers.get(latest.device) ?? new Map<string, Reading>();
    this.numbers.set(latest.device, known);
    for (const [parameter, number] of Object.entries(latest.values)) {
      if (number) known.set(parameter, { ...number, arrivedAt: now, lag, offset_ms: latest.offset_ms });
    }
  }

  #presence(id: string, connected: boolean): void {
    const device = this.devices.get(id);
    if (device) this.devices.set(id, { ...device, connected });
  }

  /** A transition seen before (a resume overlapping the stream) is passed over. */
  #step(step: Step, change: Change): void {
    if (this.position && !later(step, this.position)) return;
    this.position = { epoch: step.epoch, seq: step.seq };
    if (step.what === "cleared") this.alarms.delete(step.alarm.id);
    else this.alarms.set(step.alarm.id, step.alarm);
    if (step.alarm.device) change.devices.add(step.alarm.device);
    change.steps.push(step);
  }
}
