// Hitstream's tracker: what a page's scripts may call, and what is watched without them.

import { report, watchErrors } from "./errors.js";
import { watchLinks } from "./links.js";
import { guarded, listen } from "./page.js";
import { again, leave, look, notice, record, tick, view, watchPages } from "./pages.js";
import { adopt, flush, identify, optOut, part } from "./queue.js";
import { load, tellVitals, watchVitals } from "./vitals.js";

const calls = window.hitstream || []; // made before this script had loaded: [name, ...values] each

const api = {
  pageView: view,
  conversion: (conversion_type, more) => record("conversion", { conversion_type, ...more }),
  event: (name, properties) => record("event", { name, properties }),
  error: guarded(report),
  identify,
  optOut: guarded(optOut),
};

function start() {
  adopt();
  watchPages();
  watchErrors();
  watchLinks();
  guarded(watchVitals)();
  const away = (send) => {
    look();
    tellVitals();
    leave();
    send();
  };
  listen("visibilitychange", () => (document.hidden ? away(flush) : tick()));
  listen("pagehide", () => away(part));
  listen("pageshow", ({ persisted }) => {
    if (persisted) {
      adopt();
      again();
    }
  });
  listen("online", adopt);
  // Last, for a call of what there is not ends this.
  for (const [name, ...values] of calls) api[name](...values);
  look();
  if (load.responseStatus == 404) notice("not_found");
}

// Loaded twice it is there once: what the first has put there is no array. A page that is rendered ahead, and perhaps
// never seen, is not counted yet.
if (calls.length + 1) {
  window.hitstream = api;
  if (document.prerendering) listen("prerenderingchange", start);
  else start();
}
