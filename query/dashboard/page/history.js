/** What one user did in the last day, the newest first, in a dialog. */

import { tolerate } from "./api.js";
import { byId, setText } from "./dom.js";
import { count } from "./format.js";
import { Line } from "./line.js";

const SHOWN = 100; // lines; who did more is seen well enough by them
const HOURS = 24;

export class History {
  #api;
  #dialog = byId("history");

  constructor(api) {
    this.#api = api;
    byId("history-close").addEventListener("click", () => this.#dialog.close());
  }

  async open(user) {
    setText(byId("history-title"), user);
    setText(byId("history-note"), "Asking …");
    byId("history-list").replaceChildren();
    this.#dialog.showModal();
    try {
      this.#show(user, await this.#api.ask(`v1/users/${encodeURIComponent(user)}/activity`, { hours: HOURS }));
    } catch (problem) {
      tolerate(problem);
      setText(byId("history-note"), problem.message);
    }
  }

  #show(user, { items, cut_off: cut }) {
    if (byId("history-title").textContent !== user) return; // another was asked for meanwhile
    const lines = items.slice(-SHOWN).reverse();
    byId("history-list").replaceChildren(
      ...lines.map((event) => {
        const line = new Line();
        line.show({ event });
        return line.node;
      }),
    );
    const said = [`${count(items.length)} events in the last ${HOURS} hours`];
    if (items.length > SHOWN) said.push(`the newest ${SHOWN} are shown`);
    if (cut) said.push("older ones are no longer kept");
    setText(byId("history-note"), `${said.join("; ")}.`);
  }
}
