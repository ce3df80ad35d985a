import { Refused } from "../api/refused.ts";

interface Waiting {
  promise: Promise<void>;
  resolve: () => void;
  reject: (why: Refused) => void;
}

function waiting(): Waiting {
  let [resolve, reject] = [() => {}, (_why: Refused) => {}];
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Asks for a fresh code, once for everything that waits for it. */
export class StepUp {
  #waiting: Waiting | null = null;
  readonly #heard = new Set<() => void>();

  readonly shown = (): boolean => this.#waiting !== null;

  readonly subscribe = (heard: () => void): (() => void) => {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  };

  ask(): Promise<void> {
    if (this.#waiting === null) {
      this.#waiting = waiting();
      this.#tell();
    }
    return this.#waiting.promise;
  }

  confirmed(): void {
    this.#take()?.resolve();
  }

  cancelled(): void {
    this.#take()?.reject(new Refused(0, "not_confirmed", "the code was not given"));
  }

  /** Does it; where the server wants a fresh code first, asks for that and does it again. */
  async before<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "step_up_needed") throw error;
      await this.ask();
      return await work();
    }
  }

  #take(): Waiting | null {
    const had = this.#waiting;
    this.#waiting = null;
    this.#tell();
    return had;
  }

  #tell(): void {
    for (const heard of this.#heard) heard();
  }
}

export const stepUp = new StepUp();
