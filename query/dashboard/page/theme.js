/** Light or dark: as the system says, or as chosen here. `early.js` does the same before the first paint. */

const NAME = "hitstream.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();

/** Connects the switch, a group of radio buttons. */
export function startTheme(group) {
  const chosen = kept();
  for (const input of group.querySelectorAll("input")) input.checked = input.value === chosen;
  group.addEventListener("change", (event) => {
    keep(event.target.value);
    apply();
  });
  dark.addEventListener("change", apply);
  apply();
}

/** `listener` is called after each change: what is drawn on a canvas does not change by itself. */
export function onTheme(listener) {
  listeners.add(listener);
}

/** A colour or length of `tokens.css`, as it is now. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function apply() {
  const chosen = kept();
  const theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  if (document.documentElement.dataset.theme === theme) return;
  document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}

let inMemory = "auto"; // where storage is switched off

function kept() {
  try {
    return localStorage.getItem(NAME) ?? "auto";
  } catch {
    return inMemory;
  }
}

function keep(chosen) {
  inMemory = chosen;
  try {
    localStorage.setItem(NAME, chosen);
  } catch {
    // then it lasts as long as the page
  }
}
