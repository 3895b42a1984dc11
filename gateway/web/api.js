// Requests to the gateway: queries that show what has been seen and done here, commands that are carried out once.
import { progress } from "./notices.js";

const QUERY_LIMIT_MS = 15_000;
const COMMAND_LIMIT_MS = 20_000;
const RETRY_PAUSES_MS = [300, 1_000, 2_500];
const LONGEST_RETRY_AFTER_MS = 5_000;
/** How long an answer may take before the page shows that it waits. */
const SLOW_AFTER_MS = 300;

/** An answer that says no: a problem of RFC 9457. */
export class Problem extends Error {
  /** @param {Response} response @param {Record<string, any>} body */
  constructor(response, body) {
    super(body.detail ?? body.title ?? `The server answered ${response.status}.`);
    this.status = response.status;
    this.title = String(body.title ?? "The server refused this");
    this.slug = String(body.type ?? "").replace(/^.*\/problems\//, "");
    /** @type {{pointer?: string, parameter?: string, detail: string}[]} */
    this.errors = body.errors ?? [];
    /** @type {{id: string, name: string}[]} */
    this.passengers = body.passengers ?? [];
    /** @type {number} */
    this.missing = body.missing ?? 0;
    /** What operators find the request by in the log. @type {string | null} */
    this.reference = response.headers.get("X-Correlation-Id");
    const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
    this.retryAfterMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) : null;
  }

  /** Whether the same request may be answered differently in a moment. */
  get isTransient() {
    return [429, 502, 503, 504].includes(this.status);
  }
}

/** @type {() => void} */
let unauthenticated = () => {};

/** Called when the server does not know who asks, or not any more. @param {() => void} listener */
export function onUnauthenticated(listener) {
  unauthenticated = listener;
}

/** There was no answer. */
export class Unreachable extends Error {
  /** @param {boolean} isCommand */
  constructor(isCommand) {
    super(
      isCommand
        ? "The server cannot be reached, so it is not known whether this was done. Try again: it is done once, however often it is sent."
        : "The server cannot be reached at the moment.",
    );
  }
}

/** The newest positions that this page knows of, by where they come from. @type {Map<string, string>} */
const seen = new Map();

/** Remembers what has been seen, so that every query from now on covers it. @param {string} source @param {string} position */
export function sawPosition(source, position) {
  seen.set(source, position);
}

/** Forgets what has been seen: the server's history is not the one that it was. */
export function forgetPositions() {
  seen.clear();
}

/**
 * @typedef {object} Answer
 * @property {any} body
 * @property {string | null} etag
 * @property {string | null} position What the answer covers.
 */

/**
 * Asks for something. The answer covers what this page has seen and done.
 * @param {string} path
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<Answer>}
 */
export function query(path, { signal } = {}) {
  const positions = new Set(seen.values());
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (positions.size > 0) headers["Jetbridge-Position"] = [...positions].join(", ");
  return patiently({ path, method: "GET", headers, limitMs: QUERY_LIMIT_MS, signal });
}

/** Of so many commands the positions are remembered; by then the live connection has told of older ones. */
const RECENT_COMMANDS = 8;
let commands = 0;

/** @param {string} path @param {Record<string, string | number | null | undefined>} parameters */
export function withParameters(path, parameters) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Something a person wants done, once: however often it is sent, it has the same key. */
export class Command {
  #key = crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint32Array(4))].join("-");

  /**
   * @param {"POST" | "PUT" | "DELETE"} method @param {string} path @param {unknown} [body]
   * @param {{etag?: string | null, limitMs?: number}} [options]
   */
  constructor(method, path, body, { etag, limitMs = COMMAND_LIMIT_MS } = {}) {
    /** @type {Record<string, string>} */
    const headers = {
      Accept: "application/json",
      "Idempotency-Key": this.#key,
      "Jetbridge-Actor": "web client",
    };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (etag) headers["If-Match"] = etag;
    const text = body === undefined ? undefined : JSON.stringify(body);
    this.request = { path, method, headers, body: text, limitMs };
  }

  /** Sends it until there is an outcome, which every query from then on covers. @returns {Promise<Answer>} */
  async send() {
    const answer = await patiently(this.request);
    if (answer.position) sawPosition(`command ${commands++ % RECENT_COMMANDS}`, answer.position);
    return answer;
  }
}

/**
 * @typedef {object} Request
 * @property {string} path
 * @property {string} method
 * @property {Record<string, string>} headers
 * @property {string} [body]
 * @property {number} limitMs
 * @property {AbortSignal} [signal]
 */

/** So many random hexadecimal digits, not all of them 0. @param {16 | 32} digits */
function randomId(digits) {
  const bytes = crypto.getRandomValues(new Uint8Array(digits / 2));
  bytes[0] ||= 1;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Request} request @returns {Promise<Answer>} */
async function patiently(request) {
  const done = progress(SLOW_AFTER_MS);
  const trace = randomId(32);
  try {
    for (const pauseMs of RETRY_PAUSES_MS) {
      try {
        return await once(request, trace);
      } catch (error) {
        const isTransient = error instanceof Unreachable || (error instanceof Problem && error.isTransient);
        if (!isTransient || request.signal?.aborted) throw error;
        const retryAfterMs = error instanceof Problem ? error.retryAfterMs : null;
        await pause(retryAfterMs ?? pauseMs, request.signal);
      }
    }
    return await once(request, trace);
  } finally {
    done();
  }
}

/** @param {Request} request @param {string} trace Of all attempts (W3C Trace Context). @returns {Promise<Answer>} */
async function once({ path, method, headers: own, body, limitMs, signal }, trace) {
  // Nothing is recorded here, and whether it is elsewhere, the server decides.
  const headers = { ...own, traceparent: `00-${trace}-${randomId(16)}-00` };
  const limit = AbortSignal.timeout(limitMs);
  const stop = signal ? AbortSignal.any([signal, limit]) : limit;
  let response;
  let text;
  try {
    response = await fetch(path, { method, headers, body, signal: stop, cache: "no-store" });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable(method !== "GET");
  }
  const parsed = parse(text);
  if (response.status === 401) unauthenticated();
  if (!response.ok) throw new Problem(response, parsed ?? {});
  return {
    body: parsed,
    etag: response.headers.get("ETag"),
    position: response.headers.get("Jetbridge-Position"),
  };
}

/** @param {string} text */
function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** @param {number} milliseconds @param {AbortSignal} [signal] @returns {Promise<void>} */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
  });
}
