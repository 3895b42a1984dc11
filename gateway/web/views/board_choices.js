// Which flights of the board somebody wants to see, and in which order; all of it is in the address.
import { boarding, FLIGHT_STATUS, route } from "../model.js";
import { finder } from "../search.js";

/** @import { Departure } from "../flights.js" */
/** @import { FlightStatus } from "../model.js" */

/**
 * @typedef {object} Choices
 * @property {string} tab
 * @property {string} text What is searched for.
 * @property {string} sort
 * @property {boolean} isDescending
 */

/** @type {Record<string, {label: string, statuses: FlightStatus[]}>} */
export const TABS = {
  active: { label: "Active", statuses: ["waitingForBoarding", "allBoarded", "disembarked"] },
  gate: { label: "At the gate", statuses: ["waitingForBoarding", "allBoarded"] },
  ready: { label: "All boarded", statuses: ["allBoarded"] },
  air: { label: "In the air", statuses: ["disembarked"] },
  arrived: { label: "Arrived", statuses: ["arrived"] },
};

/** @type {Record<string, {label: string, compare: (one: Departure, other: Departure) => number}>} */
export const COLUMNS = {
  flight: {
    label: "Flight",
    compare: (one, other) => collator.compare(one.flight.flightNumber, other.flight.flightNumber),
  },
  route: {
    label: "Route",
    compare: (one, other) => collator.compare(route(one.flight), route(other.flight)),
  },
  departure: { label: "Departure", compare: (one, other) => departureOf(one) - departureOf(other) },
  status: { label: "Status", compare: (one, other) => rank(one) - rank(other) },
  boarded: { label: "Boarded", compare: (one, other) => share(one) - share(other) },
};

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const ranks = Object.keys(FLIGHT_STATUS);
const rank = (/** @type {Departure} */ { flight }) => ranks.indexOf(flight.status);

/** Those without a scheduled departure come last. @param {Departure} departure */
function departureOf({ flight }) {
  return flight.scheduledDeparture ? Date.parse(flight.scheduledDeparture) : Number.MAX_SAFE_INTEGER;
}

/** @param {Departure} departure */
function share({ manifest }) {
  const { boarded, total } = boarding(manifest.counts);
  return total === 0 ? -1 : boarded / total;
}

/** @param {URLSearchParams} parameters @returns {Choices} */
export function readChoices(parameters) {
  const [tab, sort] = [parameters.get("show") ?? "", parameters.get("sort") ?? ""];
  return {
    tab: Object.hasOwn(TABS, tab) ? tab : "active",
    text: parameters.get("text") ?? "",
    sort: Object.hasOwn(COLUMNS, sort) ? sort : "departure",
    isDescending: parameters.get("order") === "descending",
  };
}

/** What differs from the usual. @param {Choices} choices */
export function parametersOf({ tab, text, sort, isDescending }) {
  const parameters = new URLSearchParams();
  if (tab !== "active") parameters.set("show", tab);
  if (text) parameters.set("text", text);
  if (sort !== "departure") parameters.set("sort", sort);
  if (isDescending) parameters.set("order", "descending");
  return parameters;
}

/** Those with the text in their number or places. @param {Iterable<Departure>} departures @param {string} text */
export function matching(departures, text) {
  const isFound = finder(text);
  return [...departures].filter(({ flight }) =>
    isFound(flight.flightNumber, flight.origin, flight.destination)
  );
}

/** @param {Departure[]} departures @param {string} tab */
export function inTab(departures, tab) {
  return departures.filter(({ flight }) => TABS[tab].statuses.includes(flight.status));
}

/** @param {Departure[]} departures @param {Choices} choices */
export function sorted(departures, { sort, isDescending }) {
  const { compare } = COLUMNS[sort];
  const direction = isDescending ? -1 : 1;
  return departures.toSorted((one, other) =>
    direction * compare(one, other) || (one.flight.id < other.flight.id ? -1 : 1)
  );
}
