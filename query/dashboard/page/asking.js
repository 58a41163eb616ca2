/** When to ask again: soon for what has changed, each minute for everything, seldom for the panels; once at a time. */

import { tolerate } from "./api.js";

const CHANGED_MS = 2_000; // after which changed numbers are asked for again, at the earliest
const ROUND_MS = 60_000; // after which everything is: a minute has passed, and yesterday's too
const PANELS_MS = 300_000; // their snapshots are rebuilt so often
const PANELS_AGAIN_MS = 30_000; // where there is nothing yet, or the database starts

export class Asking {
  #ask;
  #changed = false;
  #due = { changed: 0, round: 0, panels: 0 }; // when each may be asked for next
  #busy = false;

  /**
   * `ask` holds changed(), round() and panels(), which ask for what may have changed, for what goes with the minutes
   * besides, and for the panels. Each throws where there is no answer; panels() tells whether all had something.
   */
  constructor(ask) {
    this.#ask = ask;
  }

  /** Everything may have changed. */
  everything() {
    this.#due = { changed: 0, round: 0, panels: 0 };
    this.tick();
  }

  /** What a summary counts has changed. */
  changed() {
    this.#changed = true;
  }

  /** Asks for what is due. To be called about once a second. */
  async tick(now = performance.now()) {
    if (this.#busy) return; // so a slow server is not asked faster than it answers
    this.#busy = true;
    try {
      const round = now >= this.#due.round;
      if (round) this.#due.round = now + ROUND_MS; // noted before it is asked for: `everything` may come in between
      if (round || (this.#changed && now >= this.#due.changed)) {
        this.#changed = false;
        this.#due.changed = now + CHANGED_MS;
        await this.#ask.changed();
      }
      if (round) await this.#ask.round();
      if (now >= this.#due.panels) {
        this.#due.panels = now + PANELS_MS;
        if (!(await this.#ask.panels())) this.#due.panels = Math.min(this.#due.panels, now + PANELS_AGAIN_MS);
      }
    } catch (error) {
      tolerate(error);
      this.#due.round = Math.min(this.#due.round, now + CHANGED_MS); // again; how things stand, the stream tells
    } finally {
      this.#busy = false;
    }
  }
}
