/** A series on a canvas, drawn by uPlot: an area with the day before behind it, or bars. */

import uPlot from "../vendor/uplot-1.6.32.js";
import { zone } from "./format.js";
import { token } from "./theme.js";

const WHOLE = [1, 2, 5]
  .flatMap((step) => Array.from({ length: 13 }, (_, power) => step * 10 ** power))
  .sort((a, b) => a - b);
const TICKS_PX = 44; // between two labels of the vertical scale
const HEADROOM = 1.08; // so that the highest point does not touch the edge

/**
 * `shape` is "area" or "bars". `texts` holds `tick(value)`, `times(seconds[])` for the labels, and `whole`: whether
 * values are whole numbers. `onPoint` is called with the index under the pointer and its place, or null.
 */
export class Plot {
  #box;
  #shape;
  #plot = null;
  #texts;
  #onPoint;

  constructor(box, shape, texts, onPoint) {
    this.#box = box;
    this.#shape = shape;
    this.#texts = texts;
    this.#onPoint = onPoint;
    new ResizeObserver(() => this.#resize()).observe(box);
  }

  /** Columns of equal length: seconds, values, and for an area those of the day before. The last may be open. */
  draw(times, values, before, open) {
    const data = [times, ...split(values, open, this.#shape), ...(this.#shape === "area" ? [before] : [])];
    if (this.#plot === null) this.#plot = new uPlot(this.#options(), data, this.#box);
    else this.#plot.setData(data);
  }

  /** Draws everything anew: with other colours, or for values of another kind. */
  restyle() {
    if (this.#plot === null) return;
    const { data } = this.#plot;
    this.#plot.destroy();
    this.#plot = new uPlot(this.#options(), data, this.#box);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#box;
    if (this.#plot !== null && width > 0) this.#plot.setSize({ width, height });
  }

  #options() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const font = `${Math.round(rem * 0.72)}px ${token("--sans")}`;
    const axis = { stroke: token("--plot-text"), font, ticks: { show: false }, gap: rem * 0.5 };
    const grid = { stroke: token("--plot-grid"), width: 1 };
    return {
      width: this.#box.clientWidth,
      height: this.#box.clientHeight,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone()),
      padding: [rem * 0.5, rem * 1.3, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: false, y: false },
        y: false,
        points: { size: rem * 0.55, width: 2, stroke: token("--surface"), fill: token("--plot-line") },
      },
      hooks: { setCursor: [(plot) => this.#pointed(plot)] },
      scales: {
        x: { time: true, range: (_, low, high) => (this.#shape === "bars" ? [low - 30, high + 30] : [low, high]) },
        y: { range: (_, __, high) => [0, (high || 1) * HEADROOM] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: rem * 4.5,
          size: rem * 1.9,
          values: (_, splits) => this.#texts.times(splits),
        },
        {
          ...axis,
          grid,
          space: TICKS_PX,
          incrs: this.#texts.whole() ? WHOLE : undefined,
          values: (_, splits) => splits.map(this.#texts.tick),
          size: (_, labels) => rem * (0.9 + 0.46 * Math.max(2, ...(labels ?? []).map((label) => label.length))),
        },
      ],
      series: [{}, ...(this.#shape === "area" ? areas() : bars())],
    };
  }

  #pointed(plot) {
    const { idx, left } = plot.cursor;
    if (idx === null || idx === undefined || left < 0) return this.#onPoint(null);
    const x = plot.valToPos(plot.data[0][idx], "x") + plot.over.offsetLeft;
    this.#onPoint({ index: idx, x, width: this.#box.clientWidth });
  }
}

/** What is complete, and what still counts: drawn as two series that meet in an area and stand side by side as bars. */
function split(values, open, shape) {
  const last = values.length - 1;
  const joint = shape === "area" ? last - 1 : last;
  return [
    values.map((value, index) => (open && index === last ? null : value)),
    values.map((value, index) => (open && index >= joint ? value : null)),
  ];
}

function areas() {
  const line = { stroke: token("--plot-line"), width: 2, points: { show: false }, spanGaps: false };
  const fill = (plot) => {
    const gradient = plot.ctx.createLinearGradient(0, plot.bbox.top, 0, plot.bbox.top + plot.bbox.height);
    gradient.addColorStop(0, token("--plot-fill-top"));
    gradient.addColorStop(1, token("--plot-fill-bottom"));
    return gradient;
  };
  return [
    { ...line, fill },
    { ...line, dash: [4, 4], fill },
    { ...line, stroke: token("--plot-before"), width: 1.5, dash: [2, 4] },
  ];
}

function bars() {
  const paths = uPlot.paths.bars({ size: [0.72, 28], radius: 0.25 });
  const points = { show: false };
  return [
    { paths, points, fill: token("--plot-bar"), width: 0 },
    { paths, points, fill: token("--plot-open"), width: 0 },
  ];
}
