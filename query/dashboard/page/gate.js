/** The form that asks for a key, where the address brought none or the server knows it not. */

import { byId, setAttribute, setText } from "./dom.js";
import { isKey, keepKey } from "./key.js";

/** Resolves with the key that was entered. */
export function askForKey(refusal = "") {
  const gate = byId("gate");
  const form = byId("gate-form");
  setAttribute(gate, "hidden", false);
  setText(byId("gate-refusal"), refusal);
  form.key.focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", function submitted(event) {
      event.preventDefault();
      const key = form.key.value.trim();
      if (!isKey(key)) return setText(byId("gate-refusal"), "A key has no spaces and no letters beyond ASCII.");
      form.removeEventListener("submit", submitted);
      form.reset();
      setAttribute(gate, "hidden", true);
      keepKey(key);
      resolve(key);
    });
  });
}
