/** The newest events, the latest on top. Fixed slots whose texts change: nothing moves, however many events come. */

import { setAttribute, setText } from "./dom.js";
import { Line } from "./line.js";

const SLOTS = 40;
const DRAW_MS = 250; // at most four times a second; a busy site sends thousands

export class Feed {
  #lines = []; // newest first: {event}, or {note}
  #arrived = []; // since the last drawing, as it came
  #slots;
  #blank;
  #paused = false;
  #drawing = null;
  #last = 0;

  constructor(list, blank, pause) {
    this.#slots = Array.from({ length: SLOTS }, () => new Line());
    this.#blank = blank;
    list.append(...this.#slots.map((slot) => slot.node));
    pause.addEventListener("click", () => {
      this.#paused = !this.#paused;
      setAttribute(pause, "aria-pressed", String(this.#paused));
      setText(pause, this.#paused ? "Go on" : "Pause");
      if (!this.#paused) this.#draw();
    });
  }

  /** One event, as the text that came: only what is shown gets parsed. */
  add(data) {
    this.#put({ data });
  }

  /** A line of our own, such as what was passed over. */
  note(text) {
    this.#put({ note: text });
  }

  #put(line) {
    this.#arrived.push(line);
    if (this.#arrived.length > SLOTS) this.#arrived.shift();
    if (this.#paused || this.#drawing !== null) return;
    const wait = Math.max(0, this.#last + DRAW_MS - performance.now());
    this.#drawing = setTimeout(() => this.#draw(), wait);
  }

  #draw() {
    this.#drawing = null;
    this.#last = performance.now();
    this.#lines = [...ordered(this.#arrived), ...this.#lines].slice(0, SLOTS);
    this.#arrived = [];
    for (const [index, slot] of this.#slots.entries()) slot.show(this.#lines[index]);
    setAttribute(this.#blank, "hidden", this.#lines.length > 0);
  }
}

/** The newest first. What comes together comes by its kind; its times tell the order. */
function ordered(lines) {
  const parsed = lines.map((line) => (line.data ? { event: JSON.parse(line.data) } : line)).reverse();
  return parsed.some((line) => line.note)
    ? parsed
    : parsed.sort((one, other) => other.event.timestamp - one.event.timestamp);
}
