// Calls of the tracker's functions made before it has loaded wait here; the tracker carries them out.
window.hitstream = window.hitstream || new Proxy([], {
  get: (calls, name) => (name in calls ? calls[name] : (...values) => calls.push([name, ...values])),
});
