// What the API speaks of, and how people say it.

/** @import { FlightDetails } from "./flight_details.js" */

/**
 * @typedef {"waitingForBoarding" | "allBoarded" | "disembarked" | "arrived"} FlightStatus
 * @typedef {"checkedIn" | "boarded" | "arrived" | "offloaded"} PassengerStatus
 *
 * @typedef {FlightDetails & {id: string, status: FlightStatus}} Flight
 *
 * @typedef {object} Passenger
 * @property {string} id
 * @property {string} flightId
 * @property {string} name
 * @property {PassengerStatus} status
 *
 * @typedef {Record<PassengerStatus, number>} Counts
 *
 * @typedef {object} Manifest
 * @property {string} flightId
 * @property {"open" | "sealed" | "closed"} state
 * @property {Counts} counts
 *
 * @typedef {Manifest & {passengers: Passenger[], passengersNext: string | null}} FullManifest
 *
 * @typedef {object} Change That something has happened, without what and by whom.
 * @property {"flight-stream" | "passenger-stream"} stream
 * @property {string} type
 * @property {string} time
 * @property {string} position
 * @property {string} [flightId]
 * @property {string} [passengerId]
 *
 * @typedef {object} Entry One event of the audit log.
 * @property {"flight-stream" | "passenger-stream"} stream
 * @property {number} eventNumber
 * @property {string} eventId
 * @property {string} eventType
 * @property {string} created
 * @property {string} position
 * @property {Record<string, any>} data
 * @property {Record<string, any> | null} metadata
 */

/**
 * @template T
 * @typedef {object} Page
 * @property {T[]} items
 * @property {string | null} next
 */

/** @type {Record<FlightStatus, string>} */
export const FLIGHT_STATUS = {
  waitingForBoarding: "Waiting for boarding",
  allBoarded: "All boarded",
  disembarked: "Departed",
  arrived: "Arrived",
};

/** @type {Record<PassengerStatus, string>} */
export const PASSENGER_STATUS = {
  checkedIn: "Not boarded",
  boarded: "On board",
  arrived: "Arrived",
  offloaded: "Offloaded",
};

/** @type {Counts} */
const NOBODY = { checkedIn: 0, boarded: 0, arrived: 0, offloaded: 0 };

/** @param {string} flightId @returns {Manifest} */
export const emptyManifest = (flightId) => ({ flightId, state: "open", counts: NOBODY });

/**
 * How many have boarded, of how many. Who was offloaded counts no more.
 * @param {Counts} counts
 */
export function boarding(counts) {
  const boarded = counts.boarded + counts.arrived;
  return { boarded, total: boarded + counts.checkedIn, missing: counts.checkedIn };
}

/** @param {Pick<Flight, "status">} flight */
export const isAtGate = (flight) => flight.status === "waitingForBoarding" || flight.status === "allBoarded";

/** @param {Flight} flight */
export const route = (flight) => `${flight.origin} → ${flight.destination}`;

/** A text of any script within a sentence: it does not disturb the direction of the rest. @param {string} text */
export const isolated = (text) => `\u2068${text}\u2069`;

/** @param {number} count @param {string} one @param {string} many */
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
