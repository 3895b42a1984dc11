import { askedDetails, enteredDetails, toldDetails } from "../flight_details.js";
import { localOf } from "../local_time.js";
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

Deno.test("a dialog shows what is known, and the time as it is here", () => {
  equal(shown({ ...flight, scheduledDeparture: null }), ["JB 101", "LIS", "JFK", ""]);
  equal(shown(flight)[3], localOf(flight.scheduledDeparture));
});

Deno.test("what was entered is sent, and nothing for what is empty and may be missing", () => {
  const moment = flight.scheduledDeparture;
  equal(enteredDetails(["JB 102", "LIS", "JFK", moment]), { ...flight, flightNumber: "JB 102" });
  equal(enteredDetails(["JB 102", "LIS", "JFK", null]).scheduledDeparture, null);
  equal(enteredDetails(["", "", "", ""]), {
    flightNumber: "",
    origin: "",
    destination: "",
    scheduledDeparture: null,
  });
});

Deno.test("a sentence tells where a flight goes, as far as it is known", () => {
  equal(toldDetails(flight), [" from ", { text: "LIS" }, " to ", { text: "JFK" }]);
  equal(toldDetails({ destination: "<b>" }), [" to ", { text: "<b>" }]);
});
