/**
 * The read key: where it comes from and where it is kept.
 *
 * It arrives in the fragment (`/#key=...`), which browsers do not send, and leaves the address bar at once. It is kept
 * for this tab alone, and travels in the Authorization header; no address ever holds it.
 */

const NAME = "hitstream.key";
const FORM = /^[!-~]{1,256}$/; // what fits a header; the server knows the rest

let inMemory = null; // where storage is switched off

/** The key that the address brought along, or that this tab knows; null where there is none. */
export function knownKey() {
  const given = fromAddress();
  if (given !== null) keepKey(given);
  try {
    return sessionStorage.getItem(NAME) ?? inMemory;
  } catch {
    return inMemory;
  }
}

export function keepKey(key) {
  inMemory = key;
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // then it lasts as long as the page
  }
}

export function forgetKey() {
  inMemory = null;
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // nothing was kept
  }
}

/** Whether it can be one. */
export function isKey(text) {
  return FORM.test(text);
}

/** Whether a fragment brings one along. */
export function hasKey(fragment) {
  return new URLSearchParams(fragment.slice(1)).has("key");
}

function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given === null) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return isKey(given) ? given : null;
}
