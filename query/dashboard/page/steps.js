/** The steps of the funnel that is being built: rows of a kind and a name, kept for the next visit. */

import { pathOf } from "./address.js";
import { announce, h, setAttribute } from "./dom.js";

const NAME = "hitstream.steps";
const MOST = 8; // of the twenty that a funnel may have: more are unreadable
export const KINDS = { page: "Page", event: "Event", conversion: "Conversion", error: "Error" };
const EXAMPLES = { page: "/pricing or /blog/*", event: "signup", conversion: "purchase", error: "TypeError" };
const DIMENSIONS = { page: "pages", event: "events", conversion: "conversion_types", error: "error_types" };

export class Steps {
  #list;
  #add;
  #names;
  #known;

  /** `known()` gives the names that the lists show, for suggestions. */
  constructor(list, names, add, known) {
    this.#list = list;
    this.#add = add;
    this.#names = names;
    this.#known = known;
    add.addEventListener("click", () => {
      this.#append("conversion", "").querySelector("input").focus();
    });
    for (const step of kept() ?? ["page:/*", "conversion:purchase"]) {
      const at = step.indexOf(":");
      this.#append(step.slice(0, at), step.slice(at + 1));
    }
  }

  /** As the API takes them; those without a name are left out. */
  asked() {
    const rows = [...this.#list.children].map((row) => [
      row.querySelector("select").value,
      row.querySelector("input").value.trim(),
    ]);
    const steps = rows
      .filter(([, name]) => name !== "")
      .map(([kind, name]) => `${kind}:${kind === "page" ? pathOf(name) : name}`);
    keep(steps);
    return steps;
  }

  #append(kind, name) {
    const select = h(
      "select",
      {},
      ...Object.entries(KINDS).map(([value, text]) => h("option", { value, selected: value === kind }, text)),
    );
    const input = h("input", {
      type: "text",
      value: name,
      maxlength: 2048,
      list: this.#names.id,
      placeholder: EXAMPLES[kind],
      spellcheck: "false",
    });
    const up = h("button", { type: "button", class: "icon" }, "↑");
    const remove = h("button", { type: "button", class: "icon" }, "×");
    const row = h("li", {}, select, input, up, remove);
    select.addEventListener("change", () => setAttribute(input, "placeholder", EXAMPLES[select.value]));
    input.addEventListener("focus", () => this.#suggest(select.value));
    up.addEventListener("click", () => {
      row.previousElementSibling?.before(row);
      this.#number();
      (up.disabled ? input : up).focus();
    });
    remove.addEventListener("click", () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      this.#number();
      announce("The step is removed.");
      next?.querySelector("input").focus();
    });
    this.#list.append(row);
    this.#number();
    return row;
  }

  #number() {
    const rows = [...this.#list.children];
    this.#add.disabled = rows.length >= MOST;
    for (const [index, row] of rows.entries()) {
      const [up, remove] = row.querySelectorAll("button");
      setAttribute(row.querySelector("select"), "aria-label", `Kind of step ${index + 1}`);
      setAttribute(row.querySelector("input"), "aria-label", `Name of step ${index + 1}`);
      setAttribute(up, "aria-label", `Move step ${index + 1} up`);
      setAttribute(remove, "aria-label", `Remove step ${index + 1}`);
      up.disabled = index === 0;
      remove.disabled = rows.length === 1;
    }
  }

  #suggest(kind) {
    const names = this.#known()[DIMENSIONS[kind]] ?? [];
    const shown = kind === "page" ? new Set(names.map(pathOf)) : names;
    this.#names.replaceChildren(...[...shown].map((value) => h("option", { value })));
  }
}

function kept() {
  try {
    const steps = JSON.parse(localStorage.getItem(NAME));
    return Array.isArray(steps) && steps.length && steps.every((step) => /^(page|event|conversion|error):/.test(step))
      ? steps.slice(0, MOST)
      : null;
  } catch {
    return null;
  }
}

function keep(steps) {
  try {
    localStorage.setItem(NAME, JSON.stringify(steps));
  } catch {
    // then they last as long as the page
  }
}
