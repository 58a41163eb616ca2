/** A chart in its panel: the plot, what it says in words, a tooltip, and the same numbers as a table. */

import { h, setAttribute, setText } from "./dom.js";
import { clock, count, day, dayAndClock, NONE, percent } from "./format.js";
import { Plot } from "./plot.js";
import { onTheme } from "./theme.js";

const DAY_S = 86_400;

export class Chart {
  #metric = null;
  #series = null;

  /** `shape` as of a plot; `title(metric)` is the panel's heading. */
  constructor(panel, shape, title) {
    this.title = title;
    this.heading = panel.querySelector("h2");
    this.tooltip = h("div", { class: "tooltip", "aria-hidden": "true", hidden: true });
    this.canvas = h("div", { class: "canvas" });
    this.legend = h("p", { class: "legend" });
    this.blank = h("div", { class: "blank", hidden: true });
    this.picture = h("div", { class: "picture", role: "img" }, this.canvas, this.tooltip);
    this.rows = h("tbody");
    this.columns = h("tr");
    this.caption = h("caption", { class: "hidden" });
    const table = h("table", {}, this.caption, h("thead", {}, this.columns), this.rows);
    this.table = h(
      "div",
      { class: "table", role: "region", tabindex: "0", "aria-labelledby": this.heading.id, hidden: true },
      table,
    );
    panel.append(h("div", { class: "plate" }, this.picture, this.table, this.blank), this.legend);
    this.plot = new Plot(this.canvas, shape, this.#texts(), (at) => this.#point(at));
    this.#toggle(panel.querySelector(".as-table"));
    onTheme(() => this.plot.restyle());
  }

  /** Draws a series (`series.js`) of a metric (`metrics.js`). */
  show(metric, series) {
    const restyled = this.#metric !== null && this.#metric !== metric;
    this.#metric = metric;
    this.#series = series;
    const values = series.points.map(metric.value);
    setText(this.heading, this.title(metric));
    setText(this.legend, this.#legend());
    this.#label(values);
    this.plot.draw(series.times, values, series.before.map(metric.value), series.open);
    if (restyled) this.plot.restyle();
    if (!this.table.hidden) this.#tabulate();
  }

  /** Puts something in the place of a plot without numbers, or takes it away. */
  cover(node) {
    this.blank.replaceChildren(...(node ? [node] : []));
    setAttribute(this.blank, "hidden", node === null);
    this.legend.classList.toggle("muted", node !== null);
  }

  #label(values) {
    setAttribute(this.picture, "aria-label", `${this.title(this.#metric)}. ${this.#spoken(values)}`);
  }

  #texts() {
    return {
      tick: (value) => this.#metric.ticks(value),
      whole: () => this.#metric.whole,
      times: (seconds) => seconds.map((at) => (this.#isLong() ? day(at * 1000) : clock(at * 1000))),
    };
  }

  #isLong() {
    const times = this.#series?.times ?? [0];
    return times.at(-1) - times[0] > 2 * DAY_S;
  }

  #span() {
    return this.#isLong() ? "week" : "day";
  }

  #legend() {
    const said = this.#series.before.length ? [`Dotted: the ${this.#span()} before.`] : [];
    if (this.#series.open) said.push("The last one is still counting.");
    if (this.#series.error !== null) said.push(`Estimates, ±${percent(this.#series.error)}.`);
    if (this.#series.gone) said.push(`${count(this.#series.gone)} are no longer kept.`);
    return said.join(" ");
  }

  #when(index) {
    const at = this.#series.times[index] * 1000;
    const open = this.#series.open && index === this.#series.points.length - 1;
    return (this.#isLong() ? dayAndClock(at) : clock(at)) + (open ? ", still counting" : "");
  }

  #said(point) {
    return point === undefined ? NONE : this.#metric.exact(this.#metric.raw(point));
  }

  #spoken(values) {
    const known = values.filter((value) => value !== null);
    if (!known.some((value) => value > 0)) return "Nothing so far.";
    const high = values.indexOf(Math.max(...known));
    const [highest, latest] = [this.#series.points[high], this.#series.points.at(-1)].map((point) => this.#said(point));
    return `Highest ${highest} at ${this.#when(high)}, latest ${latest}. The button Table shows all values.`;
  }

  #point(at) {
    setAttribute(this.tooltip, "hidden", at === null);
    if (at === null || this.#series === null) return;
    const before = this.#series.before[at.index];
    const lines = [h("b", {}, this.#said(this.#series.points[at.index])), h("span", {}, this.#when(at.index))];
    if (before) lines.push(h("span", {}, `${this.#said(before)} the ${this.#span()} before`));
    this.tooltip.replaceChildren(h("div", { class: "tip" }, ...lines));
    this.tooltip.classList.toggle("leftward", at.x > at.width / 2);
    this.tooltip.style.transform = `translateX(${Math.round(at.x)}px)`;
  }

  #toggle(button) {
    button.addEventListener("click", () => {
      const pressed = this.table.hidden;
      setAttribute(button, "aria-pressed", String(pressed));
      if (pressed) this.#tabulate();
      setAttribute(this.table, "hidden", !pressed);
      setAttribute(this.picture, "hidden", pressed);
    });
  }

  #tabulate() {
    if (this.#series === null) return;
    const { points, before } = this.#series;
    const head = ["Time", this.#metric.charted, ...(before.length ? [`The ${this.#span()} before`] : [])];
    setText(this.caption, this.title(this.#metric));
    this.columns.replaceChildren(...head.map((text) => h("th", { scope: "col" }, text)));
    const rows = points.map((point, index) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, this.#when(index)),
        h("td", {}, this.#said(point)),
        ...(before.length ? [h("td", {}, this.#said(before[index]))] : []),
      ),
    );
    this.rows.replaceChildren(...rows.reverse());
  }
}
