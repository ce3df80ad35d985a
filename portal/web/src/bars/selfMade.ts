import { ask } from "../api/http.ts";
import type { TransportView } from "../api/types.gen.ts";
import { element } from "./element.ts";

const WORDS = "SELF-MADE CERTIFICATE: this connection is encrypted, but nobody vouches for the server";
/** After an ask that failed: a bar that is missing because of a bad moment must not stay so. */
const AGAIN_MS = 10_000;

/** Says on every page, the wall too and signed in or not, that whoever answers may be somebody else. It stays. */
export async function showSelfMade(): Promise<void> {
  try {
    const { transport } = await ask<TransportView>("/api/transport");
    if (transport === "self_made") show();
  } catch {
    setTimeout(showSelfMade, AGAIN_MS);
  }
}

function show(): void {
  const bar = document.createElement("aside");
  bar.id = "self-made";
  bar.setAttribute("aria-label", "This connection");
  bar.textContent = WORDS;
  element("status").before(bar);
}
