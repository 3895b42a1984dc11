// Why something cannot be done, in words, or `null` where it can be. Every button and every key asks here, so that the
// same reason is given everywhere. The server still decides: this only spares people a refusal.
//
// What is not known yet, as `null` or `undefined`, forbids nothing.
import { boarding, isAtGate, isolated, plural } from "./model.js";
import { whoMay } from "./roles.js";
import { may } from "./session.js";

/** @import { Flight, Manifest, Passenger } from "./model.js" */

/**
 * @typedef {Pick<Flight, "status"> | null | undefined} SomeFlight
 * @typedef {Pick<Manifest, "state" | "counts"> | null | undefined} SomeManifest
 * @typedef {Pick<Passenger, "name" | "status"> | null | undefined} SomePassenger
 * @typedef {string | null} Reason
 * @typedef {(flight: SomeFlight, manifest: SomeManifest, passenger: SomePassenger) => Reason} Rule
 */

/** @param {import("./roles.js").Role} role @param {string} what @returns {Reason} */
const takesRole = (role, what) => (may(role) ? null : `Only ${whoMay(role)} may ${what}.`);

export const mayNotChangeFlights = () => takesRole("dispatcher", "add and change flights");
export const mayNotChangePassengers = () => takesRole("agent", "add and change passengers");
export const mayNotReadAuditLog = () => takesRole("auditor", "read the audit log");
export const mayNotOperate = () =>
  takesRole("admin", "see what is unfinished or parked, and do something about it");

/** @param {SomeFlight} flight */
const hasDeparted = (flight) => Boolean(flight && !isAtGate(flight));

/** @param {SomeFlight} flight @returns {Reason} */
export function cannotCorrectDetails(flight) {
  const why = mayNotChangeFlights();
  if (why !== null) return why;
  return hasDeparted(flight) ? "Details cannot be corrected: it has departed." : null;
}

/** @param {SomeFlight} flight @param {SomeManifest} manifest @returns {Reason} */
export function cannotDisembark(flight, manifest) {
  const why = mayNotChangeFlights();
  if (why !== null) return why;
  if (hasDeparted(flight)) return "Cannot disembark: it has departed.";
  // Everybody was on board when it was sealed, and a departure that was interrupted can be asked for again.
  if (!manifest || manifest.state === "sealed") return null;
  if (manifest.state === "closed") return "Cannot disembark: its manifest is closed.";
  const { boarded, missing } = boarding(manifest.counts);
  if (missing > 0) {
    return `Cannot disembark: ${plural(missing, "passenger has", "passengers have")} not boarded.`;
  }
  return boarded === 0 ? "Cannot disembark: Nobody is on board." : null;
}

/** @param {SomeFlight} flight @returns {Reason} */
export function cannotLand(flight) {
  const why = mayNotChangeFlights();
  if (why !== null) return why;
  if (!flight || flight.status === "disembarked") return null;
  return hasDeparted(flight) ? "Cannot land: it has landed." : "Cannot land: it is at the gate.";
}

/** @param {SomeFlight} flight @returns {Reason} */
export function cannotDelete(flight) {
  const why = mayNotChangeFlights();
  if (why !== null) return why;
  return flight?.status === "disembarked" ? "Cannot be deleted: it is in the air." : null;
}

/** @param {SomeFlight} flight @param {SomeManifest} manifest @returns {Reason} */
export function cannotAddPassenger(flight, manifest) {
  const why = mayNotChangePassengers();
  if (why !== null) return why;
  if (hasDeparted(flight)) return "The flight has departed: its manifest cannot be changed.";
  if (manifest?.state === "sealed") return "The flight is departing: its manifest cannot be changed.";
  if (manifest?.state === "closed") return "The manifest is closed: it cannot be changed.";
  return null;
}

/** @type {Rule} */
export function cannotBoard(flight, manifest, passenger) {
  const isOnBoard = passenger?.status === "boarded"
    ? `${isolated(passenger.name)} is on board already.`
    : null;
  return cannotAddPassenger(flight, manifest) ?? isOnBoard ?? hasLeft(passenger);
}

/** @type {Rule} */
export function cannotOffload(flight, manifest, passenger) {
  return cannotAddPassenger(flight, manifest) ?? hasLeft(passenger);
}

/** A name can be corrected for as long as passengers can be added. @type {Rule} */
export function cannotCorrectName(flight, manifest) {
  return cannotAddPassenger(flight, manifest);
}

/** @param {SomePassenger} passenger @returns {Reason} */
function hasLeft(passenger) {
  if (passenger?.status === "offloaded") return `${isolated(passenger.name)} was offloaded.`;
  return passenger?.status === "arrived" ? `${isolated(passenger.name)} has arrived.` : null;
}
