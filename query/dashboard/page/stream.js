/**
 * The live stream, read with fetch (an EventSource sends no Authorization), kept up and taken up again after a break.
 *
 * A page that nobody sees reads nothing. The stream has no memory: what happened in a break is asked for afterwards,
 * which is the business of `open`.
 */

import { Backoff, pause } from "./backoff.js";
import { EventStream } from "./sse.js";

const SILENCE_MS = 20_000; // a summary comes each second and a comment each 15: what is silent for longer is dead

export class Stream {
  #api;
  #on;
  #backoff = new Backoff();

  /** `on` holds the callbacks: open(), message(event, data), left(), waiting(milliseconds), refused(problem). */
  constructor(api, on) {
    this.#api = api;
    this.#on = on;
  }

  /** Until `signal` is aborted or the key is refused. */
  async run(signal) {
    while (!signal.aborted) {
      await visible(signal);
      const attempt = new AbortController();
      const ending = AbortSignal.any([signal, attempt.signal]);
      const leaving = () => document.hidden && attempt.abort();
      document.addEventListener("visibilitychange", leaving, { signal: ending });
      let problem = null;
      try {
        await this.#read(attempt, ending);
      } catch (error) {
        problem = error;
      }
      attempt.abort();
      if (signal.aborted) return;
      if (problem?.isRefusal) return this.#on.refused(problem);
      if (document.hidden) {
        this.#on.left();
        continue;
      }
      const wait = this.#backoff.next((problem?.retryAfter ?? 0) * 1_000);
      this.#on.waiting(wait);
      await pause(wait, signal);
    }
  }

  /** A mistake in showing a message is no break of the stream. */
  #tell(event, data) {
    try {
      this.#on.message(event, data);
    } catch (error) {
      reportError(error);
    }
  }

  async #read(attempt, signal) {
    const watch = new Watchdog(() => attempt.abort());
    try {
      const response = await this.#api.open("v1/live", { signal });
      this.#on.open();
      const events = new EventStream();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        watch.fed();
        this.#backoff.reset();
        for (const { event, data } of events.feed(value)) this.#tell(event, data);
      }
    } finally {
      watch.stop();
    }
  }
}

class Watchdog {
  #timer;
  #bark;

  constructor(bark) {
    this.#bark = bark;
    this.fed();
  }

  fed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#bark, SILENCE_MS);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

function visible(signal) {
  return new Promise((resolve) => {
    if (!document.hidden || signal.aborted) return resolve();
    const seen = () => document.hidden || resolve();
    document.addEventListener("visibilitychange", seen, { signal });
    signal.addEventListener("abort", resolve);
  });
}
