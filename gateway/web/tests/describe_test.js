import { actorOf, describe, EVENT_TYPES } from "../describe.js";
import { equal } from "./equal.js";

/** @import { Entry } from "../model.js" */

/** @param {string} eventType @param {Record<string, any>} data @returns {Entry} */
const entry = (eventType, data) => ({
  stream: "passenger-stream",
  eventNumber: 1,
  eventId: "e",
  eventType,
  created: "2026-01-01T00:00:00Z",
  position: "p1",
  data,
  metadata: { actor: "anonymous" },
});

const flight = { kind: "flight", id: "f" };
const passenger = { kind: "passenger", id: "p" };

Deno.test("a sentence names who and what", () => {
  const boarded = describe(entry("PassengerBoarded", { flightId: "f", passengerId: "p" }));
  equal(boarded, [passenger, " boarded ", flight]);
  const offloaded = describe(entry("PassengerOffloaded", { flightId: "f", passengerId: "p", reason: "<b>" }));
  equal(offloaded, [passenger, " was taken off ", flight, ": ", { text: "<b>" }]);
});

Deno.test("every type has a sentence of its own", () => {
  for (const type of Object.keys(EVENT_TYPES)) {
    const parts = describe(entry(type, { flightId: "f", passengerId: "p" }));
    if (parts.includes(`${type} of `)) throw new Error(`${type} has none`);
  }
});

Deno.test("an unknown type, and data that is none, are no fault", () => {
  equal(describe(entry("constructor", { flightId: "f" })), ["constructor of ", flight]);
  equal(describe({ ...entry("FlightLanded", {}), data: /** @type {any} */ (null) }), ["a flight", " landed"]);
});

Deno.test("nobody in particular is not named", () => {
  equal(actorOf(entry("FlightLanded", {})), null);
  equal(actorOf({ ...entry("FlightLanded", {}), metadata: { actor: "web client" } }), "web client");
  equal(actorOf({ ...entry("FlightLanded", {}), metadata: null }), null);
});
