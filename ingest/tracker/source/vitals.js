// How the page felt to load and use: the web vitals, told once, when the page is first left or hidden.

import { notice } from "./pages.js";

export const [load = {}] = performance.getEntriesByType("navigation");

const vitals = { ttfb: load.responseStart | 0, cls: window.LayoutShift && 0, inp: 0 };
let first = 0;
let last = 0;
let shift = 0;
let told = document.hidden; // what was painted later says nothing of how it loaded

// Each kind of entry is known by a member of its own.
function judge(entry) {
  const at = entry.startTime;
  if (entry.size) vitals.lcp = at | 0;
  // The slowest interaction.
  if (entry.interactionId) vitals.inp = Math.max(vitals.inp, entry.duration);
  // The worst burst of shifts: no pause of a second in it, five at most.
  if (entry.value && !entry.hadRecentInput) {
    if (at - last > 1e3 || at - first > 5e3) {
      first = at;
      shift = 0;
    }
    last = at;
    vitals.cls = Math.max(vitals.cls, (shift += entry.value));
  }
}

export function watchVitals() {
  ["largest-contentful-paint", "layout-shift", "event"].map((type) =>
    new PerformanceObserver((list) => list.getEntries().map(judge)).observe({ type, buffered: true }),
  );
}

export function tellVitals() {
  told++ || notice("web_vitals", vitals);
}
