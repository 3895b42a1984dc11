// What flights and passengers are called, for texts that know only their ids.
import { Problem, query, withParameters } from "./api.js";
import { allDepartures } from "./flights.js";
import { onChanges } from "./live.js";

/** @import { Entry } from "./model.js" */

const MOST_REMEMBERED = 20_000;
const MOST_AT_ONCE = 100;
/** So many histories of deleted flights are read for one lot of names. */
const MOST_HISTORIES = 5;
/** Ids that come within this time are asked for together. */
const GATHER_MS = 20;

/** @typedef {"flight" | "passenger"} Kind */

/** @type {Map<string, string>} */
const names = new Map();
/** Nobody knows these any more. @type {Set<string>} */
const nameless = new Set();
/** @type {Map<string, {kind: Kind, flightId: string}>} */
const wanted = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();
let gathering = false;

/** Names have been found. @param {() => void} listener */
export function onNames(listener) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/**
 * What it is called, as far as is known by now; what is not is looked up, and told by {@link onNames}.
 * @param {Kind} kind @param {string} id
 * @param {string} flightId The flight whose history knows the name even after both are gone.
 * @returns {string | null}
 */
export function nameOf(kind, id, flightId) {
  const onBoard = kind === "flight" ? allDepartures().get(id)?.flight.flightNumber : undefined;
  if (onBoard) names.set(id, onBoard);
  const known = names.get(id);
  if (known) return known;
  if (!nameless.has(id) && !wanted.has(id)) want(id, { kind, flightId });
  return null;
}

/** @param {string} id @param {{kind: Kind, flightId: string}} of */
function want(id, of) {
  wanted.set(id, of);
  if (gathering) return;
  gathering = true;
  setTimeout(lookUp, GATHER_MS);
}

/** @param {string} id @param {string} name */
export function learnName(id, name) {
  if (names.size >= MOST_REMEMBERED) names.clear();
  names.set(id, name);
  nameless.delete(id);
}

/** Learns what entries say, unless something newer is known already. @param {Entry[]} entries */
export function learnFromEntries(entries, { isNews = false } = {}) {
  for (const { data } of entries) {
    if (typeof data?.passengerId === "string" && typeof data.name === "string") {
      if (isNews || !names.has(data.passengerId)) learnName(data.passengerId, data.name);
    } else if (typeof data?.flightId === "string" && typeof data.flightNumber === "string") {
      if (isNews || !names.has(data.flightId)) learnName(data.flightId, data.flightNumber);
    }
  }
}

/** After these something is called otherwise. @type {Record<string, Kind>} */
const RENAMED = { FlightDetailsCorrected: "flight", PassengerNameCorrected: "passenger" };

onChanges((changes) => {
  for (const { type, flightId, passengerId } of changes) {
    if (!Object.hasOwn(RENAMED, type)) continue;
    const kind = RENAMED[type];
    const id = kind === "flight" ? flightId : passengerId;
    if (id && flightId && names.has(id)) want(id, { kind, flightId });
  }
});

async function lookUp() {
  const batch = [...wanted].slice(0, MOST_AT_ONCE);
  try {
    await Promise.all([askFor("flight", batch), askFor("passenger", batch)]);
    const unknown = batch.filter(([id]) => !names.has(id));
    const histories = new Set(unknown.map(([, { flightId }]) => flightId));
    for (const flightId of [...histories].slice(0, MOST_HISTORIES)) await askHistory(flightId);
    for (const [id, { flightId }] of unknown) if (!names.has(id) && asked.has(flightId)) nameless.add(id);
  } catch {
    // They stay nameless in what is shown now, and are asked for again with what is shown next.
  }
  // What was renamed meanwhile is wanted once more.
  for (const [id, of] of batch) if (wanted.get(id) === of) wanted.delete(id);
  gathering = wanted.size > 0;
  if (gathering) setTimeout(lookUp, GATHER_MS);
  for (const listener of listeners) listener();
}

/** @param {Kind} kind @param {[string, {kind: Kind}][]} batch */
async function askFor(kind, batch) {
  const ids = batch.filter(([, of]) => of.kind === kind).map(([id]) => id);
  if (ids.length === 0) return;
  const path = kind === "flight" ? "/api/flights" : "/api/passengers";
  const { body } = await query(withParameters(path, { ids: ids.join(","), limit: MOST_AT_ONCE }));
  for (const item of body.items) learnName(item.id, kind === "flight" ? item.flightNumber : item.name);
}

/** Deleted flights whose history was read. @type {Set<string>} */
const asked = new Set();

/**
 * What has been deleted is still called something in the audit log, for those who may read it.
 * @param {string} flightId
 */
async function askHistory(flightId) {
  if (asked.has(flightId)) return;
  const path = withParameters("/api/auditlog/all", { flightId, order: "newestFirst", limit: 1000 });
  try {
    learnFromEntries((await query(path)).body.items);
  } catch (error) {
    if (!(error instanceof Problem && error.slug === "not-allowed")) throw error;
  }
  asked.add(flightId);
}
