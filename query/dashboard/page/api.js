/** Questions to the server: one fetch each, with the key in a header and a time limit. */

const LIMIT_MS = 15_000; // the server gives up after 2 s, a large funnel may take a few

/** Why a question got no answer. `status` is 0 where the server was not reached. */
export class Problem extends Error {
  constructor(status, code, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  get isRefusal() {
    return this.status === 401 || this.status === 403;
  }
}

/** For what may fail with a problem and goes on: what is none is a mistake of the page's own, and is told as such. */
export function tolerate(error) {
  if (!(error instanceof Problem)) reportError(error);
}

export class Api {
  #key;

  constructor(key) {
    this.#key = key;
  }

  /** The answer to a GET. Throws `Problem`. */
  async ask(path, parameters = {}) {
    const response = await this.open(`${path}?${new URLSearchParams(parameters)}`.replace(/\?$/, ""), {
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    return decoded(response);
  }

  /** The answer to a POST of an object. Throws `Problem`. */
  async post(path, body) {
    const response = await this.open(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    return decoded(response);
  }

  /** A response whose body is still to be read. `path` is relative to the page, so it may lie behind any prefix. */
  async open(path, options = {}) {
    let response;
    try {
      response = await fetch(new URL(path, document.baseURI), {
        ...options,
        headers: { ...options.headers, Authorization: `Bearer ${this.#key}` },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, "unreachable", "the server cannot be reached");
    }
    if (!response.ok) throw await problem(response);
    return response;
  }
}

async function decoded(response) {
  try {
    return await response.json();
  } catch {
    throw new Problem(0, "unreachable", "the server's answer broke off");
  }
}

async function problem(response) {
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  try {
    const { code, message } = await response.json();
    return new Problem(response.status, String(code), String(message), retryAfter);
  } catch {
    return new Problem(response.status, "unknown", `the server answered ${response.status}`, retryAfter);
  }
}
