// Page views: that of the document, and one for each address that its scripts change to.

import { listen, settings } from "./page.js";
import { put } from "./queue.js";

let counted; // address of the last view

// The server drops fragments; where they name pages (data-hash) they become part of the path.
const address = () =>
  "hash" in settings ? location.href.replace(/\/?#!?\/?/, "/") : location.href.split("#")[0];

// An event that the tracker makes by itself.
export function notice(name, properties) {
  put("event", { name, properties: { page: new URL(counted || "", location).pathname, ...properties } });
}

const STRETCH = 3e4; // ms: somebody who reads moves something within half a minute

let since; // ms, of the last sign of attention; false while the page is hidden
let attended = 0; // ms
let lowest = 0; // pixels

export function tick() {
  const now = Date.now();
  if (since) attended += Math.min(now - since, STRETCH);
  since = !document.hidden && now;
  lowest = Math.max(lowest, scrollY + innerHeight);
}

// Tells what came together since it was told last.
export function leave() {
  tick();
  if (attended > 999) {
    notice("engagement", {
      seconds: (attended / 1e3) | 0,
      scroll: ((100 * lowest) / document.documentElement.scrollHeight) | 0,
    });
    attended = lowest = 0;
  }
}

export function view(fields) {
  leave();
  put("page_view", {
    referrer: counted || document.referrer,
    page_url: (counted = address()),
    title: document.title,
    ...fields,
  });
}

// Counts a view where the address is another one than the last time.
export function look() {
  if (!("manual" in settings) && counted != address()) view();
}

// What a visitor did stands behind the view of the page that it was done on.
export function record(type, fields) {
  look();
  put(type, fields);
}

const lookSoon = () => setTimeout(look); // by then the page has its title, and has been where it redirects from

export function watchPages() {
  ["pushState", "replaceState"].map((name) => {
    const original = history[name];
    history[name] = (...values) => {
      lookSoon();
      return original.apply(history, values);
    };
  });
  listen("popstate", lookSoon);
  listen("scroll pointermove pointerdown", tick);
}

// The browser has brought the page back as it was left. As its own referrer it is an inner one.
export function again() {
  counted += "#";
  look();
}
