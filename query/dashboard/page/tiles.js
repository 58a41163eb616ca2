/** The figures of today, each with its change since yesterday; choosing one shows it in the charts. */

import { h, setAttribute, setText } from "./dom.js";
import { clock } from "./format.js";
import { changeOf, METRICS } from "./metrics.js";
import { Sparkline } from "./sparkline.js";

const ARROWS = { 1: "▲", 0: "", "-1": "▼" };
const WORDS = { 1: "up", 0: "unchanged", "-1": "down" };

export class Tiles {
  #tiles = new Map();
  #summary = null;
  #yesterday = null;

  /** `choose` is called with the metric that was chosen. */
  constructor(list, choose) {
    for (const metric of METRICS) {
      const tile = new Tile(metric, () => {
        this.choose(metric);
        choose(metric);
      });
      this.#tiles.set(metric.id, tile);
      list.append(tile.node);
    }
  }

  choose(metric) {
    for (const [id, tile] of this.#tiles) tile.press(id === metric.id);
  }

  /** A live summary. */
  show(summary) {
    this.#summary = summary;
    this.#draw();
  }

  /** The comparison with yesterday. */
  compare(comparison) {
    this.#yesterday = comparison;
    this.#draw();
  }

  /** The last day of a figure, hour by hour. */
  trace(metric, values) {
    this.#tiles.get(metric.id).sparkline.draw(values);
  }

  #draw() {
    if (this.#summary === null) return;
    for (const [, tile] of this.#tiles) tile.show(this.#summary, this.#yesterday);
  }
}

class Tile {
  constructor(metric, chosen) {
    this.metric = metric;
    this.figure = h("span", { class: "figure" }, "–");
    this.quality = h("span", { class: "quality" });
    this.arrow = h("span", { "aria-hidden": "true" });
    this.change = h("span");
    this.badge = h("span", { class: "change" }, this.arrow, this.change);
    this.against = h("span", { class: "against" }, metric.hint);
    this.foot = h("span", { class: "foot" }, this.badge, " ", this.against);
    this.sparkline = new Sparkline();
    this.button = h(
      "button",
      { type: "button", class: "tile", "aria-pressed": "false", id: `tile-${metric.id}` },
      h("span", { class: "label" }, metric.label),
      h("span", { class: "value" }, this.figure, " ", this.quality),
      this.foot,
      this.sparkline.node,
    );
    this.button.addEventListener("click", chosen);
    this.node = h("li", {}, this.button);
  }

  press(pressed) {
    setAttribute(this.button, "aria-pressed", String(pressed));
  }

  show(summary, comparison) {
    const now = this.metric.now(summary);
    const quality = this.metric.quality(summary, now);
    setText(this.figure, this.metric.shown(now));
    setAttribute(this.figure, "title", this.metric.exact(now));
    setText(this.quality, quality?.text ?? "");
    setAttribute(this.quality, "title", quality?.title ?? null);
    if (comparison === null) return;
    const then = comparison.metrics[this.metric.id].yesterday;
    const found = changeOf(this.metric, now, then);
    setText(this.arrow, found ? ARROWS[found.direction] : "");
    setText(this.change, found ? found.text : "");
    setAttribute(this.badge, "data-good", found ? String(found.good) : null);
    const until = clock(Date.parse(comparison.yesterday.to));
    setText(this.against, found ? `from ${this.metric.shown(then)}` : this.metric.hint);
    setAttribute(
      this.foot,
      "title",
      found ? `${WORDS[found.direction]} from ${this.metric.exact(then)} yesterday until ${until}` : null,
    );
  }
}
