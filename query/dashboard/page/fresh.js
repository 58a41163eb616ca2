/** What a site without any event is told: how to send the first. */

import { announce, h, setText } from "./dom.js";

const COPIED_MS = 2_000;

/** A card with a command to copy. The page knows no write key: the reader puts it in. */
export function firstEvent() {
  const address = new URL("v1/page_view", document.baseURI);
  const event = `'{"page_url": "https://shop.example/hello"}'`;
  const headers = "-H 'X-Write-Key: WRITE_KEY' -H 'Content-Type: application/json'";
  const command = `curl ${address} ${headers} -d ${event}`;
  const copy = h("button", { type: "button", class: "quiet" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command);
      setText(copy, "Copied");
      announce("The command is copied.");
    } catch {
      setText(copy, "Select it instead");
    }
    setTimeout(() => setText(copy, "Copy"), COPIED_MS);
  });
  return h(
    "div",
    { class: "fresh" },
    h("h3", {}, "Waiting for events"),
    h(
      "p",
      {},
      "There were none in the last days. Send one, and it stands here within a second. ",
      h("code", {}, "hitstream keys"),
      " shows the site’s write key.",
    ),
    h("div", { class: "command" }, h("code", { tabindex: "0" }, command), copy),
  );
}
