// One flight's manifest with all its passengers, kept up to date by what the live connection tells.
import { Problem, query } from "./api.js";
import { coalesced } from "./coalesce.js";
import { allDepartures } from "./flights.js";
import { onChanges } from "./live.js";
import { emptyManifest } from "./model.js";
import { learnName } from "./names.js";

/** @import { FullManifest, Manifest, Passenger } from "./model.js" */

const REFRESH_INTERVAL_MS = 100;

/**
 * @typedef {object} FollowOptions
 * @property {AbortSignal} signal Ends it.
 * @property {() => void} changed
 * @property {(error: unknown) => void} failed It could not be read.
 */

/** @param {string} flightId @param {FollowOptions} options */
export function followManifest(flightId, { signal, changed, failed }) {
  /** @type {Passenger[]} */
  let passengers = [];
  /** @type {Manifest} */
  let manifest = allDepartures().get(flightId)?.manifest ?? emptyManifest(flightId);
  let isLoaded = false;

  const reload = coalesced(async () => {
    try {
      const full = await read(flightId, signal);
      passengers = unlessChanged(passengers, full.passengers);
      for (const passenger of passengers) learnName(passenger.id, passenger.name);
      manifest = full;
      isLoaded = true;
    } catch (error) {
      failed(error);
      throw error;
    }
    changed();
  }, { intervalMs: REFRESH_INTERVAL_MS, signal });

  const leave = onChanges((changes) => {
    const isAboutIt = changes.some((change) =>
      change.stream === "passenger-stream" && change.flightId === flightId
    );
    if (isAboutIt) void reload();
  });
  signal.addEventListener("abort", leave, { once: true });

  return {
    /** How it is, as far as is known by now. */
    current: () => ({ manifest, passengers, isLoaded }),
    reload,
    /** Takes what a command has answered, before the manifest is read again. @param {Passenger} passenger */
    take(passenger) {
      const at = passengers.findIndex(({ id }) => id === passenger.id);
      passengers = at < 0 ? [...passengers, passenger] : passengers.with(at, passenger);
      learnName(passenger.id, passenger.name);
    },
  };
}

/** A manifest with all pages of its passengers. @param {string} flightId @param {AbortSignal} signal */
async function read(flightId, signal) {
  const full = await readFirst(flightId, signal);
  const passengers = [...full.passengers];
  let next = full.passengersNext;
  while (next) {
    const page = `/api/passengers?flightId=${flightId}&limit=1000&after=${encodeURIComponent(next)}`;
    const { body } = await query(page, { signal });
    passengers.push(...body.items);
    next = body.next;
  }
  return { ...full, passengers };
}

/** @param {string} flightId @param {AbortSignal} signal @returns {Promise<FullManifest>} */
async function readFirst(flightId, signal) {
  try {
    return (await query(`/api/manifests/${flightId}?missing=0`, { signal })).body;
  } catch (error) {
    const isNoManifest = error instanceof Problem && error.slug === "manifest-not-found";
    if (!isNoManifest) throw error;
    return { ...emptyManifest(flightId), passengers: [], passengersNext: null };
  }
}

/**
 * Who has not changed stays the same object, so that their row is left alone.
 * @param {Passenger[]} before @param {Passenger[]} now
 */
function unlessChanged(before, now) {
  const known = new Map(before.map((passenger) => [passenger.id, passenger]));
  return now.map((passenger) => {
    const same = known.get(passenger.id);
    return same && same.name === passenger.name && same.status === passenger.status ? same : passenger;
  });
}
