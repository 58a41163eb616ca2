/** The most frequent pages, referrers, users, conversions, errors and events. */

import { h, setAttribute, setText } from "./dom.js";
import { brief, moneyBrief, percent } from "./format.js";

const ROWS = 7; // always so many slots, filled or not, so that nothing moves when numbers come

const BOARDS = [
  { dimension: "pages", title: "Pages", unit: "views", blank: "No page views yet" },
  { dimension: "referrers", title: "Referrers", unit: "visits", blank: "No visits yet" },
  { dimension: "users", title: "Users", unit: "revenue", blank: "Nobody has bought yet" },
  { dimension: "conversion_types", title: "Conversions", unit: "count", blank: "No conversions yet" },
  { dimension: "events", title: "Events", unit: "count", blank: "No events of your own yet" },
  { dimension: "error_types", title: "Errors", unit: "count", blank: "No errors. Good." },
];

export class Boards {
  #boards;
  #api;
  #period;

  /** `choose` is called with the user whose name is pressed. */
  constructor(api, grid, period, choose) {
    this.#api = api;
    this.#period = period;
    this.#boards = BOARDS.map((each) => new Board(each, each.dimension === "users" ? choose : null));
    grid.append(...this.#boards.map((board) => board.node));
  }

  set period(period) {
    this.#period = period;
  }

  /** Asks for all of them; throws the `Problem` of the first that fails. */
  async refresh() {
    const period = this.#period;
    await Promise.all(
      this.#boards.map(async (board) => {
        const answer = await this.#api.ask("v1/metrics/top", { dimension: board.dimension, period, limit: ROWS });
        if (period === this.#period) board.show(answer);
      }),
    );
  }

  /** Names that are known, for the funnel's suggestions: `{pages, conversion_types, events, error_types}`. */
  names() {
    return Object.fromEntries(this.#boards.map((board) => [board.dimension, board.keys]));
  }
}

class Board {
  constructor({ dimension, title, unit, blank }, choose) {
    this.dimension = dimension;
    this.keys = [];
    this.rows = Array.from({ length: ROWS }, () => new Row(choose));
    this.rest = h("p", { class: "rest" });
    this.blank = h("p", { class: "blank" }, blank);
    const id = `board-${dimension}`;
    this.list = h(
      "ol",
      { class: "board-list", id: `${id}-list`, "aria-labelledby": id },
      ...this.rows.map((row) => row.node),
    );
    this.node = h(
      "section",
      { class: "panel board", "aria-labelledby": id },
      h("div", { class: "panel-head" }, h("h3", { id }, title), h("span", { class: "unit" }, unit)),
      h("div", { class: "plate" }, this.list, this.blank),
      this.rest,
    );
  }

  show(answer) {
    const shownOf = this.dimension === "users" ? (value) => moneyBrief(value, answer.currency) : brief;
    const shorten = this.dimension === "pages" ? withoutHost(answer.items) : (key) => key;
    const most = Math.max(0, ...answer.items.map((item) => Number(item.count)));
    const total = Number(answer.total);
    this.keys = answer.items.map((item) => item.key);
    for (const [index, row] of this.rows.entries()) {
      const item = answer.items[index];
      if (item)
        row.show(
          shorten(item.key),
          item.key,
          shownOf(item.count),
          Number(item.count) / most,
          Number(item.count) / total,
        );
      else row.clear();
    }
    setAttribute(this.blank, "hidden", answer.items.length > 0);
    setText(this.rest, answer.items.length ? rest(answer, shownOf) : "");
  }
}

class Row {
  constructor(choose) {
    this.bar = h("span", { class: "bar", "aria-hidden": "true" });
    this.key = choose ? h("button", { type: "button", class: "key" }) : h("span", { class: "key" });
    if (choose) this.key.addEventListener("click", () => choose(this.key.title));
    this.count = h("span", { class: "count" });
    this.share = h("span", { class: "share" });
    this.node = h("li", { hidden: true }, this.bar, this.key, this.count, this.share);
  }

  show(short, whole, shown, ofMost, ofTotal) {
    setText(this.key, short);
    setAttribute(this.key, "title", whole);
    setText(this.count, shown);
    setText(this.share, Number.isFinite(ofTotal) ? percent(ofTotal, 0) : "");
    this.bar.style.transform = `scaleX(${Number.isFinite(ofMost) ? ofMost.toFixed(4) : 0})`;
    setAttribute(this.node, "hidden", false);
  }

  clear() {
    setAttribute(this.node, "hidden", true);
  }
}

/** What is not listed, and how far the list can be trusted. */
function rest(answer, shown) {
  const cut = answer.quality.items.cut_off;
  const parts = Number(answer.other) > 0 ? [`${shown(answer.other)} elsewhere`] : [];
  if (!answer.exact) parts.push(Number(cut) > 0 ? `approximate: ${shown(cut)} cut off` : "approximate");
  return parts.join(" · ");
}

/** Pages of one host are shown by their paths, pages of several by host and path. */
function withoutHost(items) {
  const hosts = new Set(items.map((item) => item.key.split("/")[2]));
  return (key) => {
    const [, , host, ...path] = key.split("/");
    if (host === undefined) return key;
    return (hosts.size > 1 ? host : "") + `/${path.join("/")}`;
  };
}
