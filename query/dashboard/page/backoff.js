/** How long to wait before the next attempt: doubled each time, jittered so that not all pages come back at once. */

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

export class Backoff {
  #attempts = 0;

  reset() {
    this.#attempts = 0;
  }

  /** Milliseconds; at least `atLeast`. `random` is in [0, 1). */
  next(atLeast = 0, random = Math.random()) {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return Math.max(atLeast, ceiling / 2) + (ceiling / 2) * random;
  }
}

/** Resolves after so many milliseconds, when the network comes back, or when `signal` is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const ended = new AbortController();
    const end = () => {
      clearTimeout(timer);
      ended.abort();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end, { signal: ended.signal });
    signal.addEventListener("abort", end, { signal: ended.signal });
    if (signal.aborted) end();
  });
}
