// The passengers of a flight: who is missing, and what can be done about it.
import { boardPassenger, correctName, offloadPassenger } from "../actions.js";
import { flightKey, mayBeCalled } from "../boarding_pass.js";
import { bdi, h, keyedList, setText } from "../dom.js";
import { keepFocus, rovingFocus, searchList } from "../focus.js";
import { KEYS } from "../keys.js";
import { boarding, PASSENGER_STATUS } from "../model.js";
import { messageOf, notify, say } from "../notices.js";
import { cannotAddPassenger, mayNotChangePassengers } from "../rules.js";
import { finder } from "../search.js";
import { settle } from "../settling.js";
import { passengerAdder } from "./passenger_adder.js";
import { PASSENGER_ACTIONS, passengerRow } from "./passenger_row.js";
import { searchField } from "./widgets.js";

/** @import { Answer } from "../api.js" */
/** @import { BoardingPass } from "../boarding_pass.js" */
/** @import { Flight, Manifest, Passenger, PassengerStatus } from "../model.js" */
/** @import { PassengerAction } from "./passenger_row.js" */

/**
 * @typedef {object} Situation What is known of a flight by now.
 * @property {Flight | null} flight
 * @property {Manifest} manifest
 * @property {Passenger[]} passengers
 * @property {boolean} isLoaded Whether the passengers have been read.
 */

/** Who is missing comes first. @type {PassengerStatus[]} */
const ORDER = ["checkedIn", "boarded", "arrived", "offloaded"];

/**
 * @param {string} flightId @param {() => Situation} situation
 * @param {(answer: Answer) => Promise<void>} shown Called when something is done, until the page shows it.
 */
export function passengerList(flightId, situation, shown) {
  const cannotAdd = () => cannotAddPassenger(situation().flight, situation().manifest);
  const list = h("ul", { class: "passengers", "aria-label": "Passengers" });
  const adder = passengerAdder(flightId, cannotAdd, shown, () => settle(list));
  const search = searchField("passenger-search", "Name");
  const note = h("p", { class: "count", role: "status" });
  const empty = h("p", { class: "empty" });
  const rows = keyedList(list, ({ id }) => id, () => passengerRow(cannot, act), { acts: true });
  const focus = rovingFocus(list, "a.name");
  const element = h(
    "section",
    { "aria-labelledby": "manifest" },
    h("div", { class: "heading" }, h("h2", { id: "manifest" }, "Passengers"), note),
    h("div", { class: "filters" }, adder.element, mayNotHint(), search.element),
    adder.failed,
    empty,
    list,
    adder.waiting,
  );

  /** @param {PassengerAction} what @param {Passenger} passenger */
  function cannot(what, passenger) {
    return PASSENGER_ACTIONS[what].cannot(situation().flight, situation().manifest, passenger);
  }

  /** @param {PassengerAction} what @param {Passenger} passenger @param {boolean} [isByHand] */
  function act(what, passenger, isByHand = false) {
    const why = cannot(what, passenger);
    if (why !== null) say(why);
    else if (what === "board") void boardAndGoOn(passenger, visible(), { rows, focus }, shown, isByHand);
    else if (what === "offload") offloadPassenger(passenger, shown);
    else correctName(passenger, shown);
  }

  /** Does something to the passenger who has the focus. @param {PassengerAction} what */
  const withFocused = (what) => () => {
    const passenger = focusedOf(situation().passengers);
    if (passenger) act(what, passenger);
    else focus.move(0);
  };

  const visible = () => matching(situation().passengers, search.input.value);

  function show() {
    const found = visible();
    const why = cannotAdd();
    rows.update(found, why);
    list.classList.toggle("closed", why !== null);
    focus.refresh();
    setText(note, noteFor(situation()));
    empty.hidden = !situation().isLoaded || found.length > 0;
    const isSearched = situation().passengers.length > 0;
    setText(empty, isSearched ? "Nobody is called that." : nobodyYet());
    search.element.hidden = !isSearched;
    adder.show();
  }

  searchList(search.input, focus, show);
  const keys = {
    [KEYS.search]: () => (search.element.hidden ? adder.focus() : search.input.focus()),
    [KEYS.addPassenger]: adder.focus,
    [KEYS.board]: withFocused("board"),
    [KEYS.offload]: withFocused("offload"),
    [KEYS.correctName]: withFocused("correct"),
    ...focus.keys,
  };
  const tellFailure = (/** @type {unknown} */ error) =>
    setText(note, `The passengers could not be read: ${messageOf(error)}`);
  const searched = () => (search.element.hidden ? null : search.input);
  /** @param {BoardingPass} pass */
  const scanned = (pass) => {
    const found = findPassenger(pass, situation(), (text) => {
      search.input.value = text;
      show();
    });
    const row = found ? rows.element(found.id)?.querySelector("a") : null;
    if (row) focus.focus(row);
  };
  return { element, keys, search: searched, scanned, show, tellFailure };
}

/** Who has the focus. @param {Passenger[]} passengers */
function focusedOf(passengers) {
  const row = document.activeElement?.closest("[data-passenger]");
  return passengers.find(({ id }) => row instanceof HTMLElement && id === row.dataset.passenger);
}

/**
 * Finds the passenger of a boarding pass, and says who it is.
 * @param {BoardingPass} pass @param {Situation} situation @param {(text: string) => void} search
 * @returns {Passenger | null} The first of those who may be it.
 */
function findPassenger({ name, flights }, { flight, passengers, isLoaded }, search) {
  if (!flight || !isLoaded) {
    notify("The passengers of this flight are not known at the moment.", { isError: true });
    return null;
  }
  if (!flights.includes(flightKey(flight.flightNumber))) {
    notify(["The boarding pass is for ", bdi(flights.join(", ")), ", not for this flight."], {
      isError: true,
    });
    return null;
  }
  const found = passengers.filter((passenger) => mayBeCalled(passenger.name, name));
  search(found.length > 1 ? name.split("/")[0] : "");
  if (found.length === 0) notify(["Nobody on this flight may be ", bdi(name), "."], { isError: true });
  else if (found.length > 1) notify([`${found.length} passengers may be `, bdi(name), "."]);
  else notify([bdi(found[0].name), `: ${PASSENGER_STATUS[found[0].status]}.`]);
  return found[0] ?? null;
}

/** In place of where passengers are added, for those who may not. */
const mayNotHint = () => h("p", { class: "hint" }, mayNotChangePassengers());

const nobodyYet = () =>
  mayNotChangePassengers() === null
    ? "Nobody yet. Type a name above and press Enter; then the next one."
    : "Nobody yet.";

/** @param {Passenger[]} passengers @param {string} search */
function matching(passengers, search) {
  const isFound = finder(search);
  return passengers
    .filter(({ name }) => isFound(name))
    .sort((one, other) =>
      ORDER.indexOf(one.status) - ORDER.indexOf(other.status) || (one.id < other.id ? -1 : 1)
    );
}

/** @param {Situation} situation */
function noteFor({ flight, manifest, passengers, isLoaded }) {
  if (!isLoaded) return "Reading the passengers …";
  const { missing } = boarding(manifest.counts);
  if (missing > 0) return `${missing} missing`;
  const isBoarding = passengers.length > 0 && cannotAddPassenger(flight, manifest) === null;
  return isBoarding ? "Everybody is on board" : "";
}

/**
 * @typedef {object} Rows
 * @property {ReturnType<typeof keyedList<Passenger>>} rows
 * @property {ReturnType<typeof rovingFocus>} focus
 */

/**
 * Boards a passenger. The focus goes on to the name of the next one who is missing, unless somebody has gone elsewhere
 * meanwhile.
 * @param {Passenger} passenger @param {Passenger[]} visible @param {Rows} list
 * @param {(answer: Answer) => Promise<void>} shown
 * @param {boolean} isByHand With mouse or finger: then nothing moves under it.
 */
async function boardAndGoOn(passenger, visible, { rows, focus }, shown, isByHand) {
  const missing = visible.filter(({ status }) => status === "checkedIn");
  const next = missing[missing.findIndex(({ id }) => id === passenger.id) + 1] ?? missing[0];
  const hasFocus = () => rows.element(passenger.id)?.contains(document.activeElement) ?? false;
  const hadFocus = hasFocus();
  await boardPassenger(passenger, shown);
  if (!hadFocus || !(document.activeElement === document.body || hasFocus())) return;
  if (!next || next.id === passenger.id) {
    keepFocus(rows.element(passenger.id)?.querySelector("a.name"));
    return;
  }
  const stop = rows.element(next.id)?.querySelector("a.name");
  if (stop instanceof HTMLElement) focus.focus(stop, { isStill: isByHand });
}
