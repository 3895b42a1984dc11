// What people say about a flight: each field once, with how it is asked for, shown and told. Dialogs, the page of a
// flight and the sentences of the audit log follow from it.
import { h, setAttribute, setText } from "./dom.js";
import { fullTime, shortTime } from "./format.js";
import { localOf } from "./local_time.js";

/** @import { Part } from "./describe.js" */

/**
 * @typedef {object} FlightDetails
 * @property {string} flightNumber
 * @property {string} origin
 * @property {string} destination
 * @property {string | null} scheduledDeparture RFC 3339
 */

/**
 * @template V
 * @typedef {object} Detail One of the fields.
 * @property {string} label What a dialog calls it.
 * @property {boolean} [isOptional] What is left empty is sent as `null`.
 * @property {Record<string, string | number>} [input] Properties of its input, where they differ from those of a text.
 * @property {string} [hint] What a dialog says about it.
 * @property {boolean} [isMoment] It is entered as local time.
 * @property {() => {element: HTMLElement, show: (value: V) => void}} [summary] How the page of a flight shows it, if
 *   neither its heading nor the route does.
 * @property {string} [words] What stands before it in the sentences of the audit log, where they tell it.
 */

/**
 * In the order in which they are asked for, shown and told.
 * @type {{[Name in keyof FlightDetails]: Detail<FlightDetails[Name]>}}
 */
const DETAILS = {
  flightNumber: {
    label: "Flight number",
    input: { maxlength: 10, placeholder: "JB101" },
  },
  origin: {
    label: "From",
    input: { placeholder: "LIS" },
    hint: "An IATA code or the name of a place",
    words: " from ",
  },
  destination: {
    label: "To",
    input: { placeholder: "JFK" },
    words: " to ",
  },
  scheduledDeparture: {
    label: "Scheduled departure",
    isOptional: true,
    isMoment: true,
    // Without it, a browser offers years of six digits.
    input: { type: "datetime-local", max: "9999-12-31T23:59" },
    hint: `Local time here: ${Intl.DateTimeFormat().resolvedOptions().timeZone}`,
    summary() {
      const element = h("time", {});
      return { element, show: (moment) => showDeparture(element, moment) };
    },
  },
};

const NAMES = /** @type {(keyof FlightDetails)[]} */ (Object.keys(DETAILS));

/** @param {keyof FlightDetails} name @returns {Detail<any>} */
const detail = (name) => DETAILS[name];

/** @param {keyof FlightDetails} name @param {FlightDetails} details @returns {string} */
function inputOf(name, details) {
  const value = details[name] ?? null;
  return value === null ? "" : detail(name).isMoment ? localOf(value) : value;
}

/** @param {HTMLTimeElement} element @param {string | null} moment */
export function showDeparture(element, moment) {
  setText(element, moment ? shortTime(moment) : "–");
  setAttribute(element, "datetime", moment);
  setAttribute(element, "title", moment ? fullTime(moment) : "No scheduled departure");
}

/**
 * What a dialog asks for: the fields as the API calls them, each with what its input shows at first.
 * @param {FlightDetails} [before]
 */
export function askedDetails(before) {
  return NAMES.map((name) => {
    const { label, isOptional, isMoment = false, input, hint } = detail(name);
    const properties = { ...input, value: before && inputOf(name, before) };
    return { name, label: isOptional ? `${label} (optional)` : label, hint, properties, isMoment };
  });
}

/**
 * What is sent for what was entered in these fields, in their order; a moment is `null` where there is none.
 * @param {(string | null)[]} entered
 */
export function enteredDetails(entered) {
  return Object.fromEntries(NAMES.map((name, at) => {
    const value = entered[at] ?? "";
    return [name, detail(name).isOptional && value.trim() === "" ? null : value];
  }));
}

/** What the page of a flight shows beside its heading and its route. */
export function detailsSummary() {
  const shown = NAMES.flatMap((name) => {
    const summary = detail(name).summary?.();
    return summary ? [{ name, ...summary }] : [];
  });
  return {
    elements: shown.map(({ element }) => element),
    /** @param {FlightDetails} details */
    show(details) {
      for (const { name, show } of shown) show(details[name]);
    },
  };
}

/**
 * What an event with the details of a flight says of them, beside its number.
 * @param {Record<string, any>} data @returns {Part[]}
 */
export function toldDetails(data) {
  return NAMES.flatMap((name) => {
    const { words } = detail(name);
    return words && data[name] ? [words, { text: String(data[name]) }] : [];
  });
}
