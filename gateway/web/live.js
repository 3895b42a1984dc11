// The connection that tells this page that something happens, and what it is about: changes as server-sent events,
// resumed where it broke off.
import { forgetPositions, pause, sawPosition } from "./api.js";
import { readSession, whenKnown } from "./session.js";
import { EventStreamParser } from "./sse.js";

/** @import { Change } from "./model.js" */

/** The server says something at least every ten seconds. */
const SILENCE_LIMIT_MS = 25_000;
const CONNECT_LIMIT_MS = 10_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 3_000;
/** A page that nobody looks at gives its connection back: a browser has only a few to one server. */
const HIDDEN_LIMIT_MS = 30_000;

/**
 * @typedef {object} LinkState
 * @property {"connecting" | "live" | "lost" | "asleep"} status
 * @property {Date | null} heard When the server last said something.
 */

/** @type {LinkState} */
let state = { status: "connecting", heard: null };
/** @type {string | null} */
let cursor = null;
/** @type {Set<(changes: Change[], before: string | null) => void>} */
const changeListeners = new Set();
/** @type {Set<(state: LinkState) => void>} */
const stateListeners = new Set();
/** @type {Set<() => void>} */
const resetListeners = new Set();
let attempt = new AbortController();
/** The browser may keep a page that was left, connection and all, to go back to. */
let isLeft = false;
/** @type {PromiseWithResolvers<void>} */
const first = Promise.withResolvers();

/** How the connection is now. */
export const linkState = () => state;

/**
 * That something has happened, in order, each once.
 * @param {(changes: Change[], before: string | null) => void} listener Also gets the cursor before them.
 */
export function onChanges(listener) {
  changeListeners.add(listener);
  return () => void changeListeners.delete(listener);
}

/** @param {(state: LinkState) => void} listener */
export function onLinkState(listener) {
  stateListeners.add(listener);
  listener(state);
  return () => void stateListeners.delete(listener);
}

/** The history is another one than before: everything has to be read anew. @param {() => void} listener */
export function onReset(listener) {
  resetListeners.add(listener);
  return () => void resetListeners.delete(listener);
}

/** Resolved once whatever happens from now on will be told; after a moment in any case. */
export const connected = () => Promise.race([first.promise, pause(1_000)]);

/**
 * Connects, and stays so.
 * @param {() => Promise<string>} readAll Reads what the page shows, and says which position it covers: from there on
 *   everything is told. Called anew if the history turns out to be another one.
 */
export async function follow(readAll) {
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    await whenKnown();
    attempt = new AbortController();
    const heardBefore = state.heard;
    try {
      await connection(attempt, cursor ? null : await readAll());
    } catch {
      // Whatever it was, the next attempt follows.
    }
    if (state.heard !== heardBefore) pauseMs = FIRST_PAUSE_MS;
    if (isUnseen()) {
      change({ status: "asleep", heard: state.heard });
      await shown();
      change({ status: "connecting", heard: state.heard });
      continue;
    }
    change({ status: "lost", heard: state.heard });
    await Promise.race([pause(pauseMs * (0.75 + Math.random() / 2)), online()]);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

const isUnseen = () => document.hidden || isLeft;

addEventListener("pagehide", () => {
  isLeft = true;
  attempt.abort();
});
addEventListener("pageshow", () => {
  isLeft = false;
});

/** Tries at once, for those who do not want to wait. */
export function reconnect() {
  attempt.abort();
}

/**
 * One connection, until it breaks.
 * @param {AbortController} controller @param {string | null} position Where to begin, if not at the cursor.
 */
async function connection(controller, position) {
  let watchdog = setTimeout(() => controller.abort(), CONNECT_LIMIT_MS);
  const sleep = () => sleepWhenHidden(controller);
  document.addEventListener("visibilitychange", sleep);
  sleep();
  try {
    const path = cursor ? `/api/changes?after=${encodeURIComponent(cursor)}` : "/api/changes";
    /** @type {Record<string, string>} */
    const headers = { Accept: "text/event-stream" };
    if (position) headers["Jetbridge-Position"] = position;
    const response = await fetch(path, {
      headers,
      signal: controller.signal,
      cache: "no-store",
    });
    if (response.status === 401) await readSession();
    if (!response.ok || !response.body) throw new Error(`answered ${response.status}`);
    const parser = new EventStreamParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => controller.abort(), SILENCE_LIMIT_MS);
      receive(parser.push(value));
    }
  } finally {
    clearTimeout(watchdog);
    document.removeEventListener("visibilitychange", sleep);
  }
}

/** @param {import("./sse.js").ServerSentEvent[]} events */
function receive(events) {
  const changes = [];
  let before = cursor;
  for (const { id, data, type } of events) {
    if (type === "problem") refused(JSON.parse(data ?? "{}"));
    if (data !== null) {
      /** @type {Change} */
      const change = JSON.parse(data);
      sawPosition(change.stream, change.position);
      if (changes.length === 0) before = cursor;
      changes.push(change);
    }
    if (id) cursor = id;
  }
  change({ status: "live", heard: new Date() });
  if (cursor) first.resolve();
  if (changes.length > 0) { for (const listener of changeListeners) listener(changes, before); }
}

/**
 * The server says why it tells nothing. What it has against the cursor or the position does not go away by itself.
 * @param {{ status?: number, title?: string }} problem
 */
function refused({ status = 0, title }) {
  if (status >= 400 && status < 500) startOver();
  throw new Error(title ?? "refused");
}

/** Cursor or position are of another history: an older backup, or a fresh installation. */
function startOver() {
  cursor = null;
  forgetPositions();
  for (const listener of resetListeners) listener();
}

/** @param {LinkState} next */
function change(next) {
  state = next;
  for (const listener of stateListeners) listener(state);
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let sleepTimer;

/** @param {AbortController} controller */
function sleepWhenHidden(controller) {
  clearTimeout(sleepTimer);
  if (document.hidden) sleepTimer = setTimeout(() => controller.abort(), HIDDEN_LIMIT_MS);
}

/** @returns {Promise<void>} */
function shown() {
  return new Promise((resolve) => {
    const listening = new AbortController();
    const check = () => {
      if (isUnseen()) return;
      listening.abort();
      resolve();
    };
    document.addEventListener("visibilitychange", check, listening);
    addEventListener("pageshow", check, listening);
    check();
  });
}

/** @returns {Promise<void>} */
function online() {
  return new Promise((resolve) => addEventListener("online", () => resolve(), { once: true }));
}
