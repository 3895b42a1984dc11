// Who has signed in, until when, and what they may do. The server decides; this only says so beforehand.
import { onUnauthenticated, pause, Problem } from "./api.js";
import { include } from "./roles.js";

/** @import { Role } from "./roles.js" */

/**
 * @typedef {object} Who As `/api/me` says it.
 * @property {string[]} authentication The ways to identify oneself; none if nobody has to.
 * @property {string[]} signIn Those of them in which one can sign in here.
 * @property {string | null} subject
 * @property {string | null} name
 * @property {Role[]} roles
 * @property {string | null} until
 */

const LIMIT_MS = 10_000;
/** Longer than this a page does not wait until it begins. */
const FIRST_LIMIT_MS = 3_000;
/** Whoever is at work has the session renewed, so often at most. */
const RENEW_AFTER_MS = 60_000;
/** Longer than this a timer cannot wait. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** @type {Who} */
let who = { authentication: [], signIn: [], subject: null, name: null, roles: [], until: null };
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let lastRenewed = 0;
/** Tells the other pages of this browser. @type {BroadcastChannel | null} */
let others = null;

export const signedIn = () => who;
/** Whether nobody has to sign in, or somebody has. */
export const isKnown = () => who.authentication.length === 0 || who.subject !== null;
/** Whether one may do what takes this role. @param {Role} role */
export const may = (role) => who.authentication.length === 0 || include(who.roles, role);

/** Somebody has signed in or out, or their roles are others. @param {() => void} listener */
export function onSession(listener) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Resolved when somebody is known. @returns {Promise<void>} */
export function whenKnown() {
  return new Promise((resolve) => {
    const check = () => {
      if (!isKnown()) return;
      leave();
      resolve();
    };
    const leave = onSession(check);
    check();
  });
}

/** @param {Who} next */
export function take(next) {
  const before = who;
  who = next;
  clearTimeout(timer);
  const isTimed = next.subject !== null && next.until !== null;
  const left = isTimed ? new Date(String(next.until)).getTime() - Date.now() : Number.NaN;
  if (Number.isFinite(left)) {
    timer = setTimeout(() => void look(), Math.min(Math.max(left, 0) + 1_000, LONGEST_WAIT_MS));
  }
  if (JSON.stringify(before) !== JSON.stringify(next)) { for (const listener of listeners) listener(); }
}

/** Asks who has signed in. If that cannot be found out in time, the page begins as if nobody had to. */
export async function beginSession() {
  try {
    await readSession(FIRST_LIMIT_MS);
  } catch {
    void readLater();
  }
}

async function readLater() {
  for (;;) {
    await pause(LIMIT_MS);
    try {
      await readSession();
      return;
    } catch {
      // The next attempt follows.
    }
  }
}

/** Asks who has signed in. */
export async function readSession(limitMs = LIMIT_MS) {
  const response = await fetch("/api/me", { signal: AbortSignal.timeout(limitMs), cache: "no-store" });
  const body = await response.json();
  if (!response.ok) throw new Problem(response, body);
  take(body);
}

/** As {@link readSession}; whatever stands in the way is noticed by others. */
const look = () => readSession().catch(() => {});

/**
 * @param {string} path @param {unknown} [body]
 * @returns {Promise<any>} What is answered, if there is something.
 */
async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(LIMIT_MS),
    cache: "no-store",
  });
  const text = await response.text();
  if (!response.ok) throw new Problem(response, JSON.parse(text || "{}"));
  return text ? JSON.parse(text) : null;
}

/** Signs in with an access key, which is kept nowhere. @param {string} key */
export async function signIn(key) {
  await post("/auth/sign-in", { key });
  await readSession();
  others?.postMessage("changed");
  if (!isKnown()) {
    throw new Error("The browser has not kept the session. Away from this machine that takes https.");
  }
}

/** Signs out here, and says where to go to do so at the identity provider too. @returns {Promise<string | null>} */
export async function signOut() {
  const { provider } = await post("/auth/sign-out");
  others?.postMessage("changed");
  return provider;
}

/** Where the identity provider is asked who one is. @param {string} back Where to go afterwards. */
export const providerPath = (back) => `/auth/login?return=${encodeURIComponent(back)}`;

/** An address of this site; the board for any other. @param {string | null} address */
export function ownAddress(address) {
  const url = URL.canParse(address ?? "/", location.origin) ? new URL(address ?? "/", location.origin) : null;
  return url?.origin === location.origin ? url.pathname + url.search : "/";
}

/** Keeps the session as long as somebody is at work, and notices when it ends. */
export function watchSession() {
  onUnauthenticated(() => {
    if (isKnown()) void look();
  });
  others = new BroadcastChannel("session");
  others.addEventListener("message", () => void look());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && who.authentication.length > 0) void look();
  });
  for (const type of ["keydown", "pointerdown"]) document.addEventListener(type, renew, { capture: true });
  // A wall board is looked at, and nobody touches it.
  setInterval(() => {
    if (location.pathname === "/wall" && !document.hidden) renew();
  }, RENEW_AFTER_MS);
}

function renew() {
  if (who.subject === null || who.until === null || Date.now() - lastRenewed < RENEW_AFTER_MS) return;
  lastRenewed = Date.now();
  post("/auth/renew").then(({ until }) => take({ ...who, until })).catch((error) => {
    if (error instanceof Problem && error.status === 401) void look();
  });
}
