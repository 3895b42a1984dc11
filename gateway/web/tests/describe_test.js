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

/** Every event that was ever stored, in every version, as the services store it. */
function storedEvents() {
  /** @type {{ type: string, data: Record<string, any> }[]} */
  const events = [];
  for (const domain of ["flight", "passenger"]) {
    const folder = new URL(`../../../${domain}/core/tests/golden/`, import.meta.url);
    for (const { name } of Deno.readDirSync(folder)) {
      const [type] = name.split(".");
      events.push({ type, data: JSON.parse(Deno.readTextFileSync(new URL(name, folder))) });
    }
  }
  return events;
}

Deno.test("the types of events that have a name are those that are stored", () => {
  equal(Object.keys(EVENT_TYPES).sort(), [...new Set(storedEvents().map(({ type }) => type))].sort());
});

Deno.test("every event that is stored has a sentence of its own", () => {
  /** @type {Map<string, string>} */
  const types = new Map();
  for (const { type, data } of storedEvents()) {
    const parts = describe(entry(type, data));
    const written = parts.map((part) => (typeof part === "string" ? part : "text" in part ? part.text : ""));
    if (written.some((words) => words.includes(type))) throw new Error(`${type} has none`);
    if (written.some((words) => words.includes("undefined"))) throw new Error(`${type} says ${written}`);
    if (parts.some((part) => JSON.stringify(part) === '{"text":""}')) throw new Error(`${type} lacks a text`);
    const named = parts.flatMap((part) => (typeof part === "object" && "id" in part ? [part.id] : []));
    // A corrected name is told as such, because the passenger is called by it already.
    const about = type === "PassengerNameCorrected" ? [data.flightId] : [data.flightId, data.passengerId];
    equal([type, ...named.sort()], [type, ...about.filter(Boolean).sort()]);
    const sentence = written.join();
    equal([sentence, types.get(sentence) ?? type], [sentence, type]);
    types.set(sentence, type);
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
