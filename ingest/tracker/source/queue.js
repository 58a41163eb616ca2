// What has happened and is not known to be with the server: kept, sent, kept again where that failed.
//
// An event leaves the queue when the server has answered for it, and not before. The queue lies in the browser's storage
// too, so that the next page of the site sends what this one could not, or does not know to have arrived. So an event
// may be sent twice; the server counts it once, by its event_id.

import { endpoint, guarded, settings } from "./page.js";

const MOST = 5e5; // characters that wait; beyond that nothing is taken in
const TEXT = 2048; // characters of any text in an event: what the server takes of an address
const BATCH = 15e3; // characters: twice as many, of two bytes each, are within keepalive's 64 KiB
const FRESH = 5e3; // ms: so young an event needs no time, and the server's clock is better than many a visitor's
const KNOWN = 8e7; // ms, 22 hours: the server knows an event_id for 24, older events might be counted twice
const LONGEST = 1e6; // ms between two attempts, before jitter

const PREFIX = `hitstream ${settings.key} `;

const unique = () => "" + Math.random() + Math.random(); // 104 random bits
const own = PREFIX + unique(); // of this page alone, so that no two tabs write the same entry

let storage = {}; // where the browser's is blocked or not wanted: a queue that ends with the page
try {
  if (settings.storage != "none") storage = localStorage || storage;
} catch {}

let queue = {}; // an event as JSON without its time: its time, epoch ms
let underway = []; // those of a request that is not answered yet
let user;
let pause = 0; // ms, doubled by each failure
let until = 0; // epoch ms, up to which the server asked to be left alone
let timer;

export function identify(id) {
  user = id;
}

export function optOut(out = true) {
  storage.hitstream = out ? 1 : "";
  flush();
}

// When the browser has nothing else to do, or within a second. Safari has no idle time and takes the object as 0.
// Saved at once: what is written while a tab closes may be lost.
function soon() {
  next();
  (window.requestIdleCallback || setTimeout)(flush, { timeout: 1e3 });
}

export const put = guarded((type, fields) => {
  const event = { type, event_id: unique(), user_id: user, ...fields };
  const text = JSON.stringify(event, (_, value) => value?.slice?.(0, TEXT) ?? value);
  if (text.length < BATCH) queue[text] = Date.now();
  document.prerendering || soon(); // what a page does that is never seen is neither sent nor saved
});

// Takes over what other pages left: those before this one, and those in other tabs that have no answer yet. Also when
// the browser brings this page back, or the network is back.
export function adopt() {
  delete storage[own];
  until = 0;
  for (const key of Object.keys(storage)) {
    if (key.includes(PREFIX)) {
      try {
        const [theirs, events] = JSON.parse(storage[key]);
        until = Math.max(until, theirs);
        Object.assign(queue, events);
      } catch {}
      delete storage[key];
    }
  }
  underway = [];
  soon();
}

// The events of the next request. What is too old, too much, or not wanted any more, goes; the rest is saved.
function next() {
  const now = Date.now();
  const events = [];
  let room = BATCH;
  for (const text of Object.keys(queue)) {
    if (now - queue[text] > KNOWN || room < -MOST || storage.hitstream || +navigator.doNotTrack || navigator.globalPrivacyControl) delete queue[text];
    else if (!underway.includes(text) && (room -= text.length) > 0) events.push(text);
  }
  try {
    if (Object.keys(queue)[0]) storage[own] = JSON.stringify([until, queue]);
    else delete storage[own];
  } catch {} // full: the queue goes on in memory
  return events;
}

function body(events) {
  const now = Date.now();
  const batch = events.map((text) => (now - queue[text] < FRESH ? text : `{"timestamp":${queue[text]},` + text.slice(1)));
  return `{"batch":[${batch}],"sent_at":${now}}`;
}

export async function flush() {
  const events = next();
  const wait = until - Date.now();
  clearTimeout(timer);
  if (!events[0] || underway[0]) return;
  // A wait that is longer than any: the clock was set back.
  if (wait > 0 && wait < 2 * LONGEST) timer = setTimeout(flush, wait);
  else {
    underway = events;
    pause = 2 * pause || 1e3;
    until = 0;
    try {
      // As text, so that the browser asks no leave first.
      const reply = await fetch(endpoint, { method: "POST", body: body(events), keepalive: true });
      until = reply.headers.get("Retry-After") * 1e3 || pause;
      if (!/5..|4.[89]/.test(reply.status)) {
        events.map((text) => delete queue[text]);
        until = pause = 0;
      }
    } catch {}
    // Not where the page has gone meanwhile, which looks like a failure, or has come back.
    if (underway == events) {
      const rest = Math.min(until || pause, LONGEST) * (1 + Math.random());
      underway = [];
      if (until) until = Date.now() + rest;
      next();
      timer = setTimeout(flush, rest);
    }
  }
}

// The page is going away, perhaps for good.
export function part() {
  const events = next();
  if (Date.now() > until && events[0]) navigator.sendBeacon(endpoint, body(events));
  underway = [...underway, ...events];
}
