/** What the shop and the network have to say, where there is one: panels below the rest that are there or are not. */

import { tolerate } from "./api.js";
import { byId, h, setAttribute } from "./dom.js";
import { clock, count, money, percent } from "./format.js";

const ROWS = 6;
const ABSENT = [401, 403, 404]; // no shop, no network, or another site's: nothing to show and nothing to say

const SEGMENTS = {
  vip: "VIP",
  premium: "Premium",
  regular: "Regular",
  new: "New",
  dormant: "Dormant",
  prospect: "Prospects",
};

export class Panels {
  #api;
  #absent = new Set(); // what a site does not have it is not asked for again

  constructor(api) {
    this.#api = api;
  }

  /** Asks for all and shows those that answer, together, so that none pushes another. False where one has nothing. */
  async refresh() {
    const panels = PANELS.filter((panel) => !this.#absent.has(panel));
    const nodes = (await Promise.all(panels.map((panel) => this.#made(panel)))).filter((node) => node !== null);
    byId("more").replaceChildren(...nodes);
    setAttribute(byId("more"), "hidden", nodes.length === 0);
    return !nodes.some((node) => node.querySelector(".blank"));
  }

  async #made(panel) {
    try {
      return drawn(panel, await this.#api.ask(panel.path, panel.parameters));
    } catch (problem) {
      tolerate(problem);
      if (!ABSENT.includes(problem.status))
        return framed(panel, h("p", { class: "blank" }, `Not to be had now: ${problem.message}.`));
      this.#absent.add(panel);
      return null;
    }
  }
}

const PANELS = [
  {
    id: "segments",
    title: "Customers",
    path: "v1/commerce/segments",
    rows: (answer) => answer.segments.filter((segment) => segment.customers > 0),
    columns: [
      ["Segment", (row) => SEGMENTS[row.name] ?? row.name],
      ["Customers", (row) => count(row.customers)],
      ["Revenue", (row, answer) => money(row.revenue, answer.currency)],
      ["Share", (row) => percent(row.share_of_revenue, 0)],
    ],
  },
  {
    id: "products",
    title: "Products, 30 days",
    path: "v1/commerce/products/performance",
    parameters: { days: 30, limit: ROWS },
    rows: (answer) => answer.products,
    columns: [
      ["Product", (row) => row.name],
      ["Units", (row) => count(row.units)],
      ["Net", (row, answer) => money(row.net, answer.currency)],
      ["Margin", (row) => percent(row.margin, 0)],
    ],
  },
  {
    id: "reorder",
    title: "To reorder",
    path: "v1/commerce/variants/low-stock",
    parameters: { limit: ROWS },
    rows: (answer) => answer.variants,
    columns: [
      ["Variant", (row) => [row.product, row.variant].filter(Boolean).join(", ")],
      ["Left", (row) => count(row.available_now)],
      ["Days", (row) => (row.days_of_cover === null ? "–" : count(Math.floor(row.days_of_cover)))],
      ["Order", (row) => count(row.suggested_quantity)],
    ],
  },
  {
    id: "trending",
    title: "Trending tags, 24 hours",
    path: "v1/social/trending",
    parameters: { limit: ROWS },
    rows: (answer) => answer.hashtags,
    columns: [
      ["Tag", (row) => `#${row.hashtag}`],
      ["Accounts", (row) => count(row.user_count)],
      ["Before", (row) => count(row.expected_users)],
      ["Posts", (row) => count(row.post_count)],
    ],
  },
];

function drawn(panel, answer) {
  const rows = panel.rows(answer).slice(0, ROWS);
  if (rows.length === 0) return framed(panel, h("p", { class: "blank" }, "Nothing yet."));
  const head = h("tr", {}, ...panel.columns.map(([name]) => h("th", { scope: "col" }, name)));
  const body = rows.map((row) =>
    h("tr", {}, ...panel.columns.map(([, text], column) => cell(column, text(row, answer)))),
  );
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...body));
  return framed(
    panel,
    table,
    answer.as_of ? h("p", { class: "rest" }, `as of ${clock(Date.parse(answer.as_of))}`) : "",
  );
}

function cell(column, text) {
  return column === 0 ? h("th", { scope: "row", title: text }, text) : h("td", {}, text);
}

function framed(panel, ...content) {
  const id = `panel-${panel.id}`;
  return h(
    "section",
    { class: "panel small-table", "aria-labelledby": id },
    h("div", { class: "panel-head" }, h("h3", { id }, panel.title)),
    ...content,
  );
}
