/** One event as a line of a list: when, what kind, what of it, and whose. */

import { pathOf } from "./address.js";
import { h, setAttribute, setText } from "./dom.js";
import { moment, money } from "./format.js";

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

/** A line whose texts change; `show` takes {event}, {note}, or nothing for none. */
export class Line {
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
