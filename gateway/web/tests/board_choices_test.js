import { inTab, matching, parametersOf, readChoices, sorted } from "../views/board_choices.js";
import { equal } from "./equal.js";

/** @import { Departure } from "../flights.js" */
/** @import { FlightStatus } from "../model.js" */

/** @param {string} id @param {FlightStatus} status @param {string | null} [scheduledDeparture] @returns {Departure} */
const departure = (id, status, scheduledDeparture = null) => ({
  flight: { id, flightNumber: `JB${id}`, origin: "HAM", destination: "Oslo", scheduledDeparture, status },
  manifest: { flightId: id, state: "open", counts: { checkedIn: 1, boarded: 0, arrived: 0, offloaded: 0 } },
});
/** @param {Departure[]} departures */
const ids = (departures) => departures.map(({ flight }) => flight.id);

Deno.test("an address is read as it was written", () => {
  for (const address of ["", "show=gate&text=a+b&sort=flight&order=descending", "show=arrived"]) {
    equal(parametersOf(readChoices(new URLSearchParams(address))).toString(), address);
  }
});

Deno.test("what an address says wrongly is as usual", () => {
  const usual = { tab: "active", text: "", sort: "departure", isDescending: false };
  equal(readChoices(new URLSearchParams("show=constructor&sort=toString&order=up")), usual);
});

Deno.test("flights are searched, divided and sorted", () => {
  const departures = [
    departure("1", "arrived"),
    departure("2", "allBoarded"),
    departure("10", "waitingForBoarding", "2026-05-04T06:15:00Z"),
    departure("3", "disembarked"),
  ];
  equal(ids(matching(departures, " OSLO ")), ["1", "2", "10", "3"]);
  equal(ids(matching(departures, "jb1")), ["1", "10"]);
  equal(ids(inTab(departures, "gate")), ["2", "10"]);
  const by = (/** @type {string} */ sort, isDescending = false) =>
    ids(sorted(departures, { tab: "active", text: "", sort, isDescending }));
  equal(by("departure"), ["10", "1", "2", "3"]);
  equal(by("flight"), ["1", "2", "3", "10"]);
  equal(by("flight", true), ["10", "3", "2", "1"]);
  equal(by("status"), ["10", "2", "3", "1"]);
});
