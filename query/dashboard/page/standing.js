/** Whether the numbers are live, and of when they are. Told aloud only when it changes for good or ill. */

import { announce, byId, setAttribute, setText } from "./dom.js";
import { clockZone } from "./format.js";

const TEXTS = { connecting: "Connecting", live: "Live", stale: "Not updating", broken: "Reconnecting" };
const SPOKEN = {
  live: "The page is live again.",
  stale: "The store does not answer. The numbers stand still.",
  broken: "The connection is lost. The page tries again by itself.",
};

export class Standing {
  #state = "connecting";

  set(state) {
    if (state === this.#state) return;
    const first = this.#state === "connecting";
    this.#state = state;
    byId("standing").classList.remove("unknown");
    setAttribute(byId("state"), "data-state", state);
    setText(byId("state-text"), TEXTS[state]);
    if (!first || state !== "live") announce(SPOKEN[state]);
  }

  /** `at` in epoch milliseconds. */
  asOf(at) {
    setText(byId("clock"), clockZone(at));
  }
}
