import * as api from "../api/identity.ts";
import { sentence } from "../api/refused.ts";
import type { SessionView } from "../api/types.gen.ts";
import { element } from "../bars/element.ts";
import { setText } from "../wall/text.ts";

function field(id: string): HTMLInputElement {
  const found = element(id);
  if (!(found instanceof HTMLInputElement)) throw new Error(`#${id} is no field`);
  return found;
}

/**
 * Stands above the ward while somebody has locked the screen. Free of any framework: it must come up though the pages
 * never loaded.
 */
export class LockPanel {
  readonly #panel = element("lock");
  readonly #form = element("lock-form");
  readonly #says = element("lock-says");
  readonly #proof = field("lock-proof");
  readonly #submit = element("lock-submit");
  /** What had the focus when it locked. */
  #before: Element | null = null;
  #station = false;

  constructor(
    private readonly events: {
      /** Ready once the server holds it to be locked. */
      settled: () => Promise<void>;
      unlocked: (session: SessionView) => void;
      signOut: () => void;
    },
  ) {
    element("lock-other").onclick = events.signOut;
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      void this.#unlock();
    };
  }

  paint(session: SessionView | null): void {
    const locked = session?.state === "locked";
    if (locked === !this.#panel.hidden) return;
    if (locked) {
      this.#station = Boolean(session.station);
      setText(element("lock-title"), `Locked by ${session.user?.display_name ?? "somebody"}`);
      setText(element("lock-label"), this.#station ? "PIN" : "Password");
      this.#proof.inputMode = this.#station ? "numeric" : "text";
      this.#before = document.activeElement;
    }
    this.#proof.value = "";
    setText(this.#says, "");
    this.#panel.hidden = !locked;
    if (locked) this.#proof.focus();
  }

  say(text: string): void {
    setText(this.#says, text);
  }

  /** To call once what was hidden is shown again. */
  giveBackFocus(): void {
    const before = this.#before;
    this.#before = null;
    if (before instanceof HTMLElement && before !== document.body && before.isConnected) before.focus();
    else if (before !== null) element("main").focus();
  }

  async #unlock(): Promise<void> {
    if (this.#submit.ariaBusy === "true") return;
    this.#submit.ariaBusy = "true";
    const given = this.#proof.value;
    try {
      await this.events.settled();
      const session = await api.unlock(this.#station ? { pin: given } : { password: given });
      this.events.unlocked(session);
      this.giveBackFocus();
    } catch (error) {
      setText(this.#says, sentence(error));
      this.#proof.value = "";
      this.#proof.focus();
    } finally {
      this.#submit.ariaBusy = "false";
    }
  }
}
