import { beforeEach, expect, it } from "vitest";
import type { SessionView } from "../api/types.gen.ts";
import { NOON_ISH } from "../testing/made.ts";
import { signedIn } from "../testing/session.ts";
import { AGAIN_MS, Locking } from "./locking.ts";
import { NOBODY, SessionWatch } from "./session.ts";

const LOCKED = signedIn({ state: "locked", permissions: [] });

let server: SessionView;
let asked: { resolve: (said: SessionView) => void; reject: (error: Error) => void }[];
let says: string[];
let watch: SessionWatch;
let locking: Locking;

beforeEach(() => {
  [server, asked, says] = [signedIn(), [], []];
  watch = new SessionWatch(
    () => NOON_ISH,
    () => Promise.resolve(server),
  );
  const ask = () => new Promise<SessionView>((resolve, reject) => asked.push({ resolve, reject }));
  locking = new Locking(watch, ask, (text) => says.push(text));
  watch.hear(server);
});

const settle = () => new Promise((done) => setTimeout(done));

it("locks before the server has answered, and goes on though it says that it is open", async () => {
  locking.lock(0);
  expect(watch.shown()).toMatchObject({ state: "locked", permissions: [] });
  watch.hear(signedIn());
  expect(watch.shown()?.state).toBe("locked");
  asked[0]?.resolve(LOCKED);
  await settle();
  // An answer that was on its way since before the lock.
  watch.hear(signedIn());
  expect(watch.shown()?.state).toBe("locked");
  watch.unlocked(signedIn());
  expect(watch.shown()?.state).toBe("open");
});

it("stays locked where the server cannot be told, says so, and tells it again", async () => {
  locking.lock(0);
  asked[0]?.reject(new Error("away"));
  await settle();
  expect(watch.shown()?.state).toBe("locked");
  expect(says.at(-1)).toContain("has not locked it yet");
  locking.look(AGAIN_MS - 1);
  expect(asked.length).toBe(1);
  locking.look(AGAIN_MS);
  expect(asked.length).toBe(2);
  asked[1]?.resolve(LOCKED);
  await settle();
  expect([watch.lockUnheard(), says.at(-1)]).toEqual([false, ""]);
  locking.look(3 * AGAIN_MS);
  expect(asked.length).toBe(2);
});

it("has the server lock before it is asked to unlock", async () => {
  locking.lock(0);
  asked[0]?.reject(new Error("away"));
  await settle();
  const settled = locking.settled(1);
  asked[1]?.reject(new Error("away"));
  await expect(settled).rejects.toThrow("away");
  const again = locking.settled(2);
  asked[2]?.resolve(LOCKED);
  await again;
  expect(watch.lockUnheard()).toBe(false);
});

it("takes the server's word that the session has ended or is locked already", async () => {
  locking.lock(0);
  server = LOCKED;
  asked[0]?.reject(new Error("not signed in"));
  await settle();
  expect([watch.lockUnheard(), says]).toEqual([false, []]);
  watch.hear(NOBODY);
  expect(watch.shown()?.state).toBe("none");
  watch.hear(signedIn());
  expect(watch.shown()?.state).toBe("open");
});
