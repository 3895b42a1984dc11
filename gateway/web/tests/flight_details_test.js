import { askedDetails, enteredDetails, toldDetails } from "../flight_details.js";
import { equal } from "./equal.js";

const flight = {
  flightNumber: "JB 101",
  origin: "LIS",
  destination: "JFK",
  scheduledDeparture: "2026-05-04T06:15:30+02:00",
};

/** What a dialog shows at first. @param {import("../flight_details.js").FlightDetails} [before] */
const shown = (before) => askedDetails(before).map(({ properties }) => properties.value ?? "");

Deno.test("a dialog asks for each field as the API calls it", () => {
  equal(askedDetails().map(({ name }) => name), Object.keys(flight));
  equal(shown(), ["", "", "", ""]);
});

Deno.test("what has not been touched is sent as it was, to the second and with its offset", () => {
  for (const before of [flight, { ...flight, scheduledDeparture: null }]) {
    equal(enteredDetails(shown(before), before), before);
  }
});

Deno.test("what was entered is sent, and nothing for what was emptied and may be missing", () => {
  const [, ...others] = shown(flight);
  equal(enteredDetails(["JB 102", ...others], flight), { ...flight, flightNumber: "JB 102" });
  equal(enteredDetails(["", "", "", ""]), {
    flightNumber: "",
    origin: "",
    destination: "",
    scheduledDeparture: null,
  });
  const moved = enteredDetails(["JB 101", "LIS", "JFK", "2026-05-04T07:00"], flight);
  equal(moved.scheduledDeparture, new Date("2026-05-04T07:00").toISOString());
});

Deno.test("a sentence tells where a flight goes, as far as it is known", () => {
  equal(toldDetails(flight), [" from ", { text: "LIS" }, " to ", { text: "JFK" }]);
  equal(toldDetails({ destination: "<b>" }), [" to ", { text: "<b>" }]);
});
