/** The newest events, the latest on top. Fixed slots whose texts change: nothing moves, however many events come. */

import { pathOf } from "./address.js";
import { h, setAttribute, setText } from "./dom.js";
import { moment, money } from "./format.js";

const SLOTS = 40;
const DRAW_MS = 250; // at most four times a second; a busy site sends thousands

const KINDS = {
  page_view: ["View", (event) => event.page_url, (event) => event.title],
  conversion: [
    "Conversion",
    (event) => event.conversion_type,
    (event) => (event.value && Number(event.value) ? money(event.value, event.currency) : ""),
  ],
  error: ["Error", (event) => event.error_type, (event) => event.error_message],
  event: ["Event", (event) => event.name, () => ""],
};

export class Feed {
  #lines = []; // newest first: {event}, or {note}
  #arrived = []; // since the last drawing, as it came
  #slots;
  #blank;
  #paused = false;
  #drawing = null;
  #last = 0;

  constructor(list, blank, pause) {
    this.#slots = Array.from({ length: SLOTS }, () => new Slot());
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

class Slot {
  constructor() {
    this.time = h("time", { class: "at" });
    this.kind = h("span", { class: "kind" });
    this.main = h("span", { class: "what" });
    this.more = h("span", { class: "details" });
    this.user = h("span", { class: "who" });
    this.node = h(
      "li",
      { hidden: true },
      this.time,
      this.kind,
      h("span", { class: "said" }, this.main, this.more),
      this.user,
    );
    this.line = null;
  }

  show(line) {
    if (line === this.line) return;
    this.line = line;
    setAttribute(this.node, "hidden", line === undefined);
    if (line === undefined) return;
    const event = line.event ?? null;
    const [kind, main, more] = event === null ? ["", () => line.note, () => ""] : (KINDS[event.type] ?? KINDS.event);
    setAttribute(this.node, "data-kind", event?.type ?? "note");
    setText(this.time, event === null ? "" : moment(event.timestamp));
    setText(this.kind, kind);
    setText(this.main, pathOf(main(event) ?? ""));
    setAttribute(this.main, "title", main(event) ?? "");
    setText(this.more, more(event) ?? "");
    setText(this.user, event?.user_id ?? "");
    setAttribute(this.user, "title", event?.user_id ?? null);
  }
}
