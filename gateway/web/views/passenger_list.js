// The passengers of a flight: who is missing, and what can be done about it.
import { boardPassenger, correctName, offloadPassenger } from "../actions.js";
import { h, keepFocus, keyedList, rovingFocus, searchList, setText } from "../dom.js";
import { boarding } from "../model.js";
import { messageOf, say } from "../notices.js";
import { cannotAddPassenger } from "../rules.js";
import { passengerAdder } from "./passenger_adder.js";
import { PASSENGER_ACTIONS, passengerRow } from "./passenger_row.js";
import { searchField } from "./widgets.js";

/** @import { Answer } from "../api.js" */
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
  const adder = passengerAdder(flightId, cannotAdd, shown);
  const search = searchField("passenger-search", "Name");
  const note = h("p", { class: "count", role: "status" });
  const list = h("ul", { class: "passengers", "aria-label": "Passengers" });
  const empty = h("p", { class: "empty" });
  const idOf = (/** @type {Passenger} */ { id }) => id;
  const rows = keyedList(list, idOf, () => passengerRow(cannot, act));
  const focus = rovingFocus(list, "a.name");
  const element = h(
    "section",
    { "aria-labelledby": "manifest" },
    h("div", { class: "heading" }, h("h2", { id: "manifest" }, "Passengers"), note),
    h("div", { class: "filters" }, adder.element, search.element),
    adder.failed,
    empty,
    list,
    adder.waiting,
  );

  /** @param {PassengerAction} what @param {Passenger} passenger */
  function cannot(what, passenger) {
    return PASSENGER_ACTIONS[what].cannot(situation().flight, situation().manifest, passenger);
  }

  /** @param {PassengerAction} what @param {Passenger} passenger */
  function act(what, passenger) {
    const why = cannot(what, passenger);
    if (why !== null) say(why);
    else if (what === "board") void boardAndGoOn(passenger, visible(), { rows, focus }, shown);
    else if (what === "offload") offloadPassenger(passenger, shown);
    else correctName(passenger, shown);
  }

  /** Does something to the passenger who has the focus. @param {PassengerAction} what */
  const withFocused = (what) => () => {
    const row = document.activeElement?.closest("[data-passenger]");
    const passenger = situation().passengers.find(({ id }) =>
      row instanceof HTMLElement && id === row.dataset.passenger
    );
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
    setText(empty, isSearched ? "Nobody is called that." : NOBODY_YET);
    search.element.hidden = !isSearched;
    adder.show();
  }

  searchList(search.input, focus, show);
  const keys = {
    "/": () => (search.element.hidden ? adder.focus() : search.input.focus()),
    n: adder.focus,
    b: withFocused("board"),
    o: withFocused("offload"),
    c: withFocused("correct"),
    ArrowDown: () => focus.move(1),
    ArrowUp: () => focus.move(-1),
    Home: () => focus.moveTo("first"),
    End: () => focus.moveTo("last"),
  };
  const tellFailure = (/** @type {unknown} */ error) =>
    setText(note, `The passengers could not be read: ${messageOf(error)}`);
  return { element, keys, show, tellFailure };
}

const NOBODY_YET = "Nobody yet. Type a name above and press Enter; then the next one.";

/** @param {Passenger[]} passengers @param {string} search */
function matching(passengers, search) {
  const text = search.trim().toLocaleLowerCase();
  return passengers
    .filter(({ name }) => name.toLocaleLowerCase().includes(text))
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
 * Boards a passenger. The focus goes on to the next one who is missing, unless somebody has gone elsewhere meanwhile.
 * @param {Passenger} passenger @param {Passenger[]} visible @param {Rows} list
 * @param {(answer: Answer) => Promise<void>} shown
 */
async function boardAndGoOn(passenger, visible, { rows, focus }, shown) {
  const missing = visible.filter(({ status }) => status === "checkedIn");
  const next = missing[missing.findIndex(({ id }) => id === passenger.id) + 1] ?? missing[0];
  const hasFocus = () => rows.element(passenger.id)?.contains(document.activeElement) ?? false;
  const hadFocus = hasFocus();
  const usedButton = hadFocus && document.activeElement instanceof HTMLButtonElement;
  await boardPassenger(passenger, shown);
  if (!hadFocus || !(document.activeElement === document.body || hasFocus())) return;
  if (!next || next.id === passenger.id) {
    keepFocus(rows.element(passenger.id)?.querySelector("a.name"));
    return;
  }
  const row = rows.element(next.id);
  const button = usedButton ? row?.querySelector("button.primary:not([hidden])") : null;
  const stop = button ?? row?.querySelector("a.name");
  if (stop instanceof HTMLElement) focus.focus(stop);
}
