/** A line without a scale, for the shape of the last day. The chart of the same figure says the numbers. */

import { setAttribute, svg } from "./dom.js";

const WIDTH = 100;
const HEIGHT = 28;
const MARGIN = 2; // half the line's width, at the edges

export class Sparkline {
  constructor() {
    this.area = svg("path", { class: "area" });
    this.line = svg("path", { class: "line" });
    this.node = svg(
      "svg",
      { class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      this.area,
      this.line,
    );
  }

  /** Values from old to new; null leaves a gap. Nothing but zeros draws nothing. */
  draw(values) {
    const runs = values.some((value) => value > 0) ? stretches(values) : [];
    setAttribute(this.line, "d", runs.map((run) => `M${run.map(String).join("L")}`).join(""));
    setAttribute(
      this.area,
      "d",
      runs.map((run) => `M${run[0][0]},${HEIGHT}L${run.map(String).join("L")}L${run.at(-1)[0]},${HEIGHT}Z`).join(""),
    );
  }
}

/** The points of each unbroken run of values. */
function stretches(values) {
  const most = Math.max(...values.map((value) => value ?? 0)) || 1;
  const step = WIDTH / Math.max(1, values.length - 1);
  const found = [];
  let run = null;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      run = null;
      continue;
    }
    if (run === null) found.push((run = []));
    const y = HEIGHT - MARGIN - (value / most) * (HEIGHT - 2 * MARGIN);
    run.push([round(index * step), round(y)]);
  }
  return found;
}

function round(value) {
  return Math.round(value * 100) / 100;
}
