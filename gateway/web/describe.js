// What an entry of the audit log says, in words.
import { toldDetails } from "./flight_details.js";

/** @import { Entry } from "./model.js" */

/**
 * A piece of a sentence: words, or the name of something that has a page.
 * @typedef {string | {kind: "flight" | "passenger", id: string} | {text: string}} Part
 */

/** Every type of event, and what people call it. @type {Record<string, string>} */
export const EVENT_TYPES = {
  FlightCreated: "Flight announced",
  FlightDetailsCorrected: "Flight details corrected",
  FlightAllBoarded: "Flight all boarded",
  FlightBoardingReopened: "Flight boarding reopened",
  FlightDisembarked: "Flight departed",
  FlightLanded: "Flight landed",
  FlightDeleted: "Flight deleted",
  PassengerCheckedIn: "Passenger added",
  PassengerNameCorrected: "Passenger name corrected",
  PassengerBoarded: "Passenger boarded",
  PassengerOffloaded: "Passenger offloaded",
  PassengerArrived: "Passenger arrived",
  PassengerRemoved: "Passenger removed",
  ManifestCompleted: "Manifest complete",
  ManifestReopened: "Manifest incomplete",
  ManifestSealed: "Manifest sealed",
  ManifestClosed: "Manifest closed",
};

/** @type {Record<string, (data: Record<string, any>, flight: Part, passenger: Part) => Part[]>} */
const SENTENCES = {
  FlightCreated: (data, flight) => [flight, ...toldDetails(data), " was announced"],
  FlightDetailsCorrected: (data, flight) => [
    "Details of ",
    flight,
    " were corrected: ",
    text(data.flightNumber),
    ...toldDetails(data),
  ],
  FlightAllBoarded: (_, flight) => ["Everybody has boarded ", flight],
  FlightBoardingReopened: (_, flight) => ["Boarding of ", flight, " is open again"],
  FlightDisembarked: (_, flight) => [flight, " left the gate"],
  FlightLanded: (_, flight) => [flight, " landed"],
  FlightDeleted: (_, flight) => [flight, " was deleted"],
  PassengerCheckedIn: (_, flight, passenger) => [passenger, " was added to ", flight],
  PassengerNameCorrected: (data, flight) => ["A passenger of ", flight, " is now called ", text(data.name)],
  PassengerBoarded: (_, flight, passenger) => [passenger, " boarded ", flight],
  PassengerOffloaded: (data, flight, passenger) => [
    passenger,
    " was taken off ",
    flight,
    ": ",
    text(data.reason),
  ],
  PassengerArrived: (_, flight, passenger) => [passenger, " arrived with ", flight],
  PassengerRemoved: (_, flight, passenger) => [passenger, " was removed with ", flight],
  ManifestCompleted: (data, flight) => ["The manifest of ", flight, ` is complete: ${data.boarded} on board`],
  ManifestReopened: (
    data,
    flight,
  ) => ["The manifest of ", flight, ` is not complete any more: ${data.missing} missing`],
  ManifestSealed: (data, flight) => ["The manifest of ", flight, ` was sealed with ${data.boarded} on board`],
  ManifestClosed: (_, flight) => ["The manifest of ", flight, " was closed"],
};

/** @param {unknown} value @returns {Part} */
const text = (value) => ({ text: String(value ?? "") });

/** The sentence for an entry, also for a type that is not known here. @param {Entry} entry @returns {Part[]} */
export function describe(entry) {
  const data = entry.data ?? {};
  const { flightId, passengerId } = data;
  /** @type {Part} */
  const flight = typeof flightId === "string" ? { kind: "flight", id: flightId } : "a flight";
  /** @type {Part} */
  const passenger = typeof passengerId === "string" ? { kind: "passenger", id: passengerId } : "a passenger";
  const sentence = Object.hasOwn(SENTENCES, entry.eventType) ? SENTENCES[entry.eventType] : undefined;
  return sentence ? sentence(data, flight, passenger) : [`${entry.eventType} of `, flight];
}

/** Who it was, where that is worth a word. @param {Entry} entry @returns {string | null} */
export function actorOf(entry) {
  const actor = entry.metadata?.actor;
  return typeof actor === "string" && actor !== "" && actor !== "anonymous" ? actor : null;
}
