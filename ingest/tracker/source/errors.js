// Errors that nobody caught, and those that the page reports itself, each once.

import { listen } from "./page.js";
import { record } from "./pages.js";

const told = {};
let left = 10; // of a page: one that fails in a loop has told all by then

export function report(error, message, context) {
  const { name = error, stack } = Object(error);
  message = (message || error) + "";
  if (told[message] || !left) return;
  told[message] = left--;
  record("error", { error_type: name, error_message: message, context: { page: location.pathname, stack, ...context } });
}

export function watchErrors() {
  // A picture that does not load is an error event, too, with neither.
  listen("error unhandledrejection", ({ error, reason = error, message = reason }) => {
    if (message) report(reason?.name ? reason : "Error", message);
  });
}
