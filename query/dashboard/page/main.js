/** Opens the page: finds the key, makes sure that the server knows it, and starts. */

import { Api } from "./api.js";
import { Backoff, pause } from "./backoff.js";
import { byId, setAttribute, setText } from "./dom.js";
import { askForKey } from "./gate.js";
import { forgetKey, hasKey, knownKey } from "./key.js";
import { Page } from "./page.js";
import { startTheme } from "./theme.js";

const never = new AbortController().signal;

startTheme(byId("theme"));
addEventListener("hashchange", () => hasKey(location.hash) && location.reload()); // another link was followed here
byId("leave").addEventListener("click", () => {
  forgetKey();
  location.reload();
});
start(knownKey());

async function start(key, refusal = "") {
  const api = new Api(key ?? (await askForKey(refusal)));
  const { comparison, problem } = await greeted(api);
  if (problem) {
    forgetKey();
    return start(null, `The server does not take this key: ${problem.message}.`);
  }
  setAttribute(byId("gate"), "hidden", true);
  setAttribute(byId("main"), "hidden", false);
  byId("leave").classList.remove("unknown");
  const refused = await new Page(api, comparison).run(never);
  if (refused) location.reload(); // the key was replaced: it is asked about anew, and refused
}

/** The first answer, which says whose page this is, or the problem where the key is refused. Tries until then. */
async function greeted(api) {
  const backoff = new Backoff();
  for (;;) {
    try {
      return { comparison: await api.ask("v1/metrics/comparison") };
    } catch (problem) {
      if (problem.isRefusal) return { problem };
      byId("standing").classList.remove("unknown");
      setText(byId("state-text"), "Waiting for the server");
      await pause(backoff.next((problem.retryAfter ?? 0) * 1_000), never);
    }
  }
}
