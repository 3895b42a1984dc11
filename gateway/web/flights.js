// All flights that this page knows, with how far their boarding is; kept up to date by what the live connection tells.
//
// Events only say what has changed. What it is now is read from the server, so that nothing is decided here.
import { query, withParameters } from "./api.js";
import { coalesced } from "./coalesce.js";
import { onChanges, onReset } from "./live.js";
import { emptyManifest } from "./model.js";

/** @import { Flight, Manifest, Page } from "./model.js" */

const PAGE = 500;
/** More flights than this at the gate and in the air are not shown on one board. */
const MOST_ACTIVE = 5_000;
const MOST_AT_ONCE = 100;
/** So often the page asks at most, however much happens. */
const REFRESH_INTERVAL_MS = 100;
const ACTIVE = "waitingForBoarding,allBoarded,disembarked";

/**
 * A flight and its manifest; a new object whenever one of them changed.
 * @typedef {object} Departure
 * @property {Flight} flight
 * @property {Manifest} manifest
 */

/** @type {Map<string, Departure>} */
const departures = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();
/** What the flights that arrived have shown so far, by the text that was looked for. */
const arrived = { text: "", next: /** @type {string | null} */ (null), isLoaded: false };
let loading = /** @type {"not yet" | "loading" | "done" | "failed"} */ ("not yet");

/** @returns {ReadonlyMap<string, Departure>} */
export const allDepartures = () => departures;
/** Whether all flights that have not arrived are there. */
export const loadState = () => loading;
export const arrivedState = () => arrived;

/** @param {() => void} listener */
export function onDepartures(listener) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function changed() {
  for (const listener of listeners) listener();
}

/**
 * Reads all flights that have not arrived, and says which position that covers.
 * @returns {Promise<string>}
 */
export async function loadFlights() {
  loading = "loading";
  try {
    const positions = await Promise.all([
      readAll(
        "/api/flights",
        { status: ACTIVE },
        (/** @type {Flight} */ flight) => put(flight.id, { flight }),
      ),
      readAll(
        "/api/manifests",
        { state: "open,sealed", missing: 0 },
        (/** @type {Manifest} */ manifest) => put(manifest.flightId, { manifest }),
      ),
    ]);
    loading = "done";
    return positions.join(", ");
  } catch (error) {
    loading = "failed";
    throw error;
  } finally {
    changed();
  }
}

onReset(() => {
  departures.clear();
  arrived.isLoaded = false;
});

/**
 * Reads a list page by page, the newest first, and returns the position that all of it covers.
 * @template T
 * @param {string} path @param {Record<string, string | number>} filter @param {(item: T) => void} take
 */
async function readAll(path, filter, take) {
  /** @type {string | null} */
  let position = null;
  /** @type {string | null} */
  let after = null;
  for (let count = 0; count < MOST_ACTIVE; count += PAGE) {
    const answer = await query(withParameters(path, { ...filter, order: "newestFirst", limit: PAGE, after }));
    /** @type {Page<T>} */
    const page = answer.body;
    position ??= answer.position;
    page.items.forEach(take);
    changed();
    after = page.next;
    if (after === null) break;
  }
  return position ?? "0";
}

/** What has changed while lists are being read, which may hold it as it was before. @type {Map<string, boolean>} */
const meanwhile = new Map();
let lists = 0;

/** Reads lists, and then again what has changed meanwhile. @param {() => Promise<unknown>} read */
async function whileFollowing(read) {
  lists++;
  try {
    await read();
  } finally {
    lists--;
    if (lists === 0) {
      for (const [id, flight] of meanwhile) touch(id, flight);
      meanwhile.clear();
      void refresh();
    }
  }
}

/** Manifests that came before their flights. @type {Map<string, Manifest>} */
const early = new Map();

/** @param {string} id @param {{flight?: Flight, manifest?: Manifest}} news */
function put(id, { flight, manifest }) {
  const known = departures.get(id);
  const current = flight ?? known?.flight;
  if (!current) {
    if (manifest) early.set(id, manifest);
    return;
  }
  const next = {
    flight: current,
    manifest: manifest ?? known?.manifest ?? early.get(id) ?? emptyManifest(id),
  };
  early.delete(id);
  if (known && JSON.stringify(known) === JSON.stringify(next)) return;
  departures.set(id, next);
}

/**
 * Reads flights that have arrived, the newest first: from the start for another text, else the next of them.
 * @param {string} text
 */
export function loadArrived(text) {
  return whileFollowing(() => readArrived(text));
}

/** @param {string} text */
async function readArrived(text) {
  if (arrived.text !== text || !arrived.isLoaded) Object.assign(arrived, { text, next: null });
  else if (arrived.next === null) return;
  const page = await query(
    withParameters("/api/flights", {
      status: "arrived",
      order: "newestFirst",
      limit: 100,
      text,
      after: arrived.next,
    }),
  );
  /** @type {Flight[]} */
  const flights = page.body.items;
  if (flights.length > 0) {
    const manifests = await readManifests(flights.map((flight) => flight.id));
    for (const manifest of manifests) put(manifest.flightId, { manifest });
    for (const flight of flights) put(flight.id, { flight });
  }
  if (arrived.text === text) Object.assign(arrived, { next: page.body.next, isLoaded: true });
  changed();
}

/** Flights that are to be read again. @type {Map<string, {flight: boolean}>} */
const stale = new Map();

onChanges((changes) => {
  for (const { flightId, stream } of changes) {
    if (flightId) touch(flightId, stream === "flight-stream");
  }
  if (stale.size > 0) void refresh();
});

/** @param {string} id @param {boolean} flight Whether the flight itself may have changed, or its manifest alone. */
function touch(id, flight) {
  stale.set(id, { flight: flight || (stale.get(id)?.flight ?? false) });
  if (lists > 0) meanwhile.set(id, flight || (meanwhile.get(id) ?? false));
}

/** Reads a flight and its manifest again; resolved when the page shows them. @param {string} id */
export function refreshFlight(id) {
  touch(id, true);
  return refresh({ isUrgent: true });
}

const refresh = coalesced(async () => {
  while (stale.size > 0) {
    const batch = [...stale].slice(0, MOST_AT_ONCE);
    for (const [id] of batch) stale.delete(id);
    try {
      await refreshBatch(batch);
    } catch (error) {
      for (const [id, what] of batch) touch(id, what.flight);
      throw error;
    }
  }
}, { intervalMs: REFRESH_INTERVAL_MS });

/** @param {[string, {flight: boolean}][]} batch */
async function refreshBatch(batch) {
  const flightIds = batch.filter(([id, what]) => what.flight || !departures.has(id)).map(([id]) => id);
  const ids = batch.map(([id]) => id);
  const [flights, manifests] = await Promise.all([
    flightIds.length > 0 ? readFlights(flightIds) : [],
    readManifests(ids),
  ]);
  const found = new Set(flights.map((flight) => flight.id));
  for (const id of flightIds) if (!found.has(id)) departures.delete(id);
  for (const flight of flights) put(flight.id, { flight });
  for (const manifest of manifests) put(manifest.flightId, { manifest });
  changed();
}

/** @param {string[]} ids @returns {Promise<Flight[]>} */
async function readFlights(ids) {
  return (await query(withParameters("/api/flights", { ids: ids.join(","), limit: MOST_AT_ONCE }))).body
    .items;
}

/** @param {string[]} ids @returns {Promise<Manifest[]>} */
async function readManifests(ids) {
  const filter = { flightIds: ids.join(","), missing: 0, limit: MOST_AT_ONCE };
  return (await query(withParameters("/api/manifests", filter))).body.items;
}
