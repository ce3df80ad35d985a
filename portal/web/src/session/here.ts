import { onUnauthorised, serverNow } from "../api/http.ts";
import * as api from "../api/identity.ts";
import { sentence } from "../api/refused.ts";
import type { SessionView } from "../api/types.gen.ts";
import { element } from "../bars/element.ts";
import { go, want } from "../navigation/go.ts";
import { WARD, watches } from "../navigation/places.ts";
import type { Station } from "../rt/station.ts";
import { setText } from "../wall/text.ts";
import { Activity } from "./activity.ts";
import { Locking } from "./locking.ts";
import { LockPanel } from "./lockPanel.ts";
import { Renewal } from "./renewal.ts";
import { NOBODY, type SessionWatch } from "./session.ts";
import { WhoBar } from "./who.ts";

const LOOK_MS = 1_000;
/** A session that was ended elsewhere shows within this time where no socket tells of it. */
const ASK_MS = 60_000;
/** Until the server first answered. */
const ASK_AGAIN_MS = 5_000;
/** The ward does not wait longer for word of who is here. */
const UNKNOWN_MS = 1_000;

/** Binds who is signed in to this screen: what it watches, when it locks, what it says of itself. */
export function follow(session: SessionWatch, station: Station): void {
  const signOut = () => {
    // Gone from the screen at once, whatever the server says.
    leave(session).catch((error) => setText(element("who-says"), sentence(error)));
  };
  const panel = new LockPanel({
    settled: () => locking.settled(performance.now()),
    unlocked: (said) => session.unlocked(said),
    signOut,
  });
  const locking = new Locking(session, api.lock, (text) => panel.say(text));
  const lock = () => locking.lock(performance.now());
  const who = new WhoBar({ lock, signOut });
  const activity = new Activity(() => {
    if (session.shown()?.state === "open")
      api.input().then(
        (said) => session.hear(said),
        () => session.refresh(),
      );
  });
  activity.watch(window);
  const renewal = new Renewal(() => api.renewStation().then(() => undefined));

  let before: SessionView | null = null;
  const paint = () => {
    const shown = session.shown();
    const was = before;
    before = shown;
    document.documentElement.dataset.session = shown?.state ?? "unknown";
    who.paint(shown, serverNow());
    panel.paint(shown);
    if (shown === null) return;
    if (shown.state !== was?.state) setText(element("who-says"), "");
    const on = watches(shown);
    const gone = !on && (Boolean(was?.station) || station.missed !== "");
    station.follow(on, gone ? "STATION SIGNED OUT, NO ALARMS HERE" : "");
    // At once, though the server could not be told.
    if (shown.state === "locked") station.hideNames();
    else station.showNames();
    if (on && shown.state === "open" && was?.state !== "open") station.hurry();
    renewal.allow(Boolean(shown.station));
  };
  session.subscribe(paint);
  station.onBroken = () => session.refresh();
  onUnauthorised(() => void session.refresh());

  let askedAt = performance.now();
  const began = askedAt;
  setInterval(() => {
    const now = performance.now();
    session.look();
    locking.look(now);
    who.paint(session.shown(), serverNow());
    renewal.look(now);
    if (session.shown() === null && now - began >= UNKNOWN_MS) station.follow(true);
    const due = session.shown() === null ? ASK_AGAIN_MS : ASK_MS;
    if (now - askedAt < due) return;
    askedAt = now;
    void session.refresh();
  }, LOOK_MS);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void session.refresh();
  });
  element("take-over").onclick = () => station.take();
  paint();
  void session.refresh();
}

async function leave(session: SessionWatch): Promise<void> {
  const station = session.shown()?.station ?? null;
  await api.signOut();
  session.take({ ...NOBODY, station });
  // Whoever comes next begins at their own beginning.
  want(null);
  if (station) go(WARD);
}
