// What the page says in the attributes of the script's tag, and what all parts share.

const script = document.currentScript;

// data-key, -hash, -manual, -storage
export const settings = script.dataset;

// Beside the script, wherever that was loaded from: a proxy may serve both under a path of its own.
export const endpoint = new URL("v1/events?key=" + settings.key, script.src);

// Whatever fails in here must not reach the page.
export const guarded =
  (work) =>
  (...values) => {
    try {
      work(...values);
    } catch {}
  };

// Passive: no page waits for us before it scrolls. Capturing: what the page keeps from bubbling is seen, too.
export const listen = (names, work) =>
  names.split(" ").map((name) => addEventListener(name, guarded(work), { capture: true, passive: true }));
