// One flight and its passengers: what a gate agent works with.
import {
  boardPassenger,
  correctFlight,
  correctName,
  deleteFlight,
  disembarkFlight,
  landFlight,
  offloadPassenger,
} from "../actions.js";
import { Problem, query } from "../api.js";
import { coalesced } from "../coalesce.js";
import { fill, h, keepFocus, keyedList, rovingFocus, searchList, setAttribute, setText } from "../dom.js";
import { allDepartures, onDepartures, refreshFlight } from "../flights.js";
import { connected, onEntries, onReset } from "../live.js";
import { boarding, emptyManifest, isAtGate, PASSENGER_STATUS, plural, route } from "../model.js";
import { learnName } from "../names.js";
import { messageOf, notifyError, say } from "../notices.js";
import { navigate } from "../router.js";
import { showBoarding, showDeparture, showStatus } from "./board.js";
import { passengerAdder } from "./passenger_adder.js";
import { passengerRow } from "./passenger_row.js";

/** @import { Context, View } from "../router.js" */
/** @import { Flight, FullManifest, Manifest, Passenger, PassengerStatus } from "../model.js" */
/** @import { Answer } from "../api.js" */

const REFRESH_INTERVAL_MS = 100;

/** Who is missing comes first. @type {PassengerStatus[]} */
const ORDER = ["checkedIn", "boarded", "arrived", "offloaded"];

/** @param {Context} context @returns {View} */
export function flightView({ container, path, setTitle }) {
  const id = path.id;
  const stop = new AbortController();
  /** @type {Flight | null} */
  let flight = allDepartures().get(id)?.flight ?? null;
  /** @type {Passenger[]} */
  let passengers = [];
  /** @type {Manifest} */
  let manifest = allDepartures().get(id)?.manifest ?? emptyManifest(id);
  let isLoaded = false;
  let isGone = false;

  const heading = h("h1", {}, "Flight");
  const places = h("bdi", {});
  const time = h("time", {});
  const badge = h("span", { class: "badge" });
  const bar = h("progress", { max: 1, value: 0 });
  const count = h("span", { class: "fraction" });
  const summary = h(
    "div",
    { class: "summary" },
    places,
    time,
    badge,
    h("span", { class: "boarding" }, count, bar),
  );

  const disembark = gatedButton(
    "Disembark (departs)",
    "d",
    () => flight && disembarkFlight(flight, manifest),
  );
  const land = gatedButton("Land", "l", () => flight && landFlight(flight, manifest));
  const details = gatedButton("Correct details", "e", () => flight && void correctFlight(flight));
  const remove = gatedButton("Delete", null, () => flight && deleteFlight(flight, manifest));
  const why = h("p", { class: "hint why", id: "why" });
  const actions = h(
    "div",
    { class: "actions" },
    disembark.button,
    land.button,
    details.button,
    remove.button,
    h("a", { class: "button", href: `/audit-log?flightId=${id}` }, "History"),
  );

  const adder = passengerAdder(id, shown);
  const search = h("input", {
    type: "search",
    id: "passenger-search",
    autocomplete: "off",
    placeholder: "Name",
    "aria-keyshortcuts": "/",
  });
  const searchField = h("div", { class: "field" }, h("label", { for: "passenger-search" }, "Search"), search);
  const note = h("p", { class: "count", role: "status" });
  const list = h("ul", { class: "passengers", "aria-label": "Passengers" });
  const empty = h("p", { class: "empty" });
  const rows = keyedList(list, (/** @type {Passenger} */ passenger) => passenger.id, () => passengerRow(act));
  const focus = rovingFocus(list, "a.name");
  const content = h(
    "div",
    { class: "stack" },
    summary,
    actions,
    why,
    h(
      "section",
      { "aria-labelledby": "manifest" },
      h("div", { class: "heading" }, h("h2", { id: "manifest" }, "Passengers"), note),
      h("div", { class: "filters" }, adder.element, searchField),
      adder.failed,
      empty,
      list,
      adder.waiting,
    ),
  );
  const gone = h("div", { class: "empty", hidden: true });
  container.classList.add("flight");
  container.append(h("p", { class: "back" }, h("a", { href: "/" }, "‹ All flights")), heading, gone, content);

  /** Shows a command's answer, and then what follows from it. @param {Answer} answer */
  async function shown({ body }) {
    if (body?.id && body.name) {
      takePassenger(body);
      show();
    }
    await Promise.all([reload({ isUrgent: true }), refreshFlight(id)]);
  }

  /** @param {Passenger} passenger */
  function takePassenger(passenger) {
    const at = passengers.findIndex(({ id }) => id === passenger.id);
    passengers = at < 0 ? [...passengers, passenger] : passengers.with(at, passenger);
    learnName(passenger.id, passenger.name);
  }

  /** @param {"board" | "offload" | "correct"} what @param {Passenger} passenger */
  function act(what, passenger) {
    if (what === "board") void board(passenger);
    else if (what === "offload") offloadPassenger(passenger, shown);
    else correctName(passenger, shown);
  }

  /** @param {Passenger} passenger */
  async function board(passenger) {
    if (passenger.status !== "checkedIn" || !mayChange()) {
      say(`${passenger.name}: ${PASSENGER_STATUS[passenger.status]}`);
      return;
    }
    const missing = visible().filter(({ status }) => status === "checkedIn");
    const next = missing[missing.findIndex(({ id }) => id === passenger.id) + 1] ?? missing[0];
    const hadFocus = rows.element(passenger.id)?.contains(document.activeElement);
    const usedButton = hadFocus && document.activeElement instanceof HTMLButtonElement;
    await boardPassenger(passenger, shown);
    // On to the next one, unless somebody has gone elsewhere meanwhile.
    const isStillThere = document.activeElement === document.body ||
      rows.element(passenger.id)?.contains(document.activeElement);
    if (!hadFocus || !isStillThere) return;
    if (!next || next.id === passenger.id) {
      keepFocus(nameLink(passenger.id));
      return;
    }
    const button = rows.element(next.id)?.querySelector("button.primary");
    if (usedButton && button instanceof HTMLButtonElement && !button.hidden) focus.focus(button);
    else focus.focus(nameLink(next.id));
  }

  /** @param {string} passengerId */
  const nameLink = (
    passengerId,
  ) => /** @type {HTMLElement | undefined} */ (rows.element(passengerId)?.querySelector("a.name") ??
    undefined);

  const mayChange = () => manifest.state === "open" && (flight === null || isAtGate(flight));

  function visible() {
    const text = search.value.trim().toLocaleLowerCase();
    return passengers
      .filter(({ name }) => name.toLocaleLowerCase().includes(text))
      .sort((one, other) =>
        ORDER.indexOf(one.status) - ORDER.indexOf(other.status) || (one.id < other.id ? -1 : 1)
      );
  }

  function show() {
    if (isGone) return;
    actions.hidden = flight === null;
    if (flight) {
      const title = `${flight.flightNumber} ${route(flight)}`;
      setText(heading, flight.flightNumber);
      setText(places, route(flight));
      showDeparture(time, flight.scheduledDeparture);
      showStatus(badge, flight.status);
      setTitle(title);
    }
    showBoarding(bar, count, manifest.counts);
    const found = visible();
    rows.update(found);
    list.classList.toggle("closed", !mayChange());
    for (const button of list.querySelectorAll("button")) {
      setAttribute(button, "aria-disabled", mayChange() ? null : "true");
    }
    focus.refresh();
    const { missing } = boarding(manifest.counts);
    setText(
      note,
      !isLoaded
        ? "Reading the passengers …"
        : missing > 0
        ? `${missing} missing`
        : passengers.length > 0 && mayChange()
        ? "Everybody is on board"
        : "",
    );
    empty.hidden = !isLoaded || found.length > 0;
    setText(
      empty,
      passengers.length === 0
        ? "Nobody yet. Type a name above and press Enter; then the next one."
        : "Nobody is called that.",
    );
    searchField.hidden = passengers.length === 0;
    adder.setAllowed(mayChange());
    showRules();
  }

  /** What the rules forbid is shown as such, with the reason; the server decides all the same. */
  function showRules() {
    if (!flight) return;
    const { boarded, missing } = boarding(manifest.counts);
    const atGate = isAtGate(flight);
    const noDeparture = !atGate
      ? "It has departed."
      : missing > 0
      ? `${plural(missing, "passenger")} ${missing === 1 ? "has" : "have"} not boarded.`
      : boarded === 0
      ? "Nobody is on board."
      : null;
    disembark.setReason(noDeparture && `Cannot disembark: ${noDeparture}`);
    const isFlying = flight.status === "disembarked";
    land.setReason(
      isFlying ? null : atGate ? "Cannot land: it is at the gate." : "Cannot land: it has landed.",
    );
    details.setReason(atGate ? null : "Details cannot be corrected: it has departed.");
    remove.setReason(isFlying ? "Cannot be deleted: it is in the air." : null);
    disembark.button.hidden = !atGate;
    land.button.hidden = atGate;
    const reasons = [disembark, land, remove].filter(({ button }) => !button.hidden).map(({ reason }) =>
      reason()
    );
    setText(why, reasons.filter(Boolean).join(" "));
  }

  /** Reads the manifest again. */
  const reload = coalesced(async () => {
    try {
      await readManifest();
    } catch (error) {
      setText(note, `The passengers could not be read: ${messageOf(error)}`);
      throw error;
    }
    show();
  }, { intervalMs: REFRESH_INTERVAL_MS, signal: stop.signal });

  async function readManifest() {
    const full = await manifestOf(id, stop.signal);
    const all = [...full.passengers];
    let next = full.passengersNext;
    while (next) {
      const page = `/api/passengers?flightId=${id}&limit=1000&after=${encodeURIComponent(next)}`;
      const { body } = await query(page, { signal: stop.signal });
      all.push(...body.items);
      next = body.next;
    }
    const before = new Map(passengers.map((passenger) => [passenger.id, passenger]));
    // What has not changed stays the same object, so its row is left alone.
    passengers = all.map((passenger) => {
      const known = before.get(passenger.id);
      const isSame = known && known.name === passenger.name && known.status === passenger.status;
      return isSame ? known : passenger;
    });
    for (const passenger of all) learnName(passenger.id, passenger.name);
    manifest = full;
    isLoaded = true;
  }

  function showGone() {
    isGone = true;
    content.hidden = true;
    gone.hidden = false;
    setText(heading, flight ? flight.flightNumber : "No such flight");
    fill(
      gone,
      h(
        "p",
        {},
        flight ? "This flight was deleted." : "There is no flight at this address; it may have been deleted.",
      ),
      h(
        "p",
        {},
        h("a", { href: `/audit-log?flightId=${id}` }, "Its history"),
        " · ",
        h("a", { href: "/" }, "All flights"),
      ),
    );
    setTitle(flight ? `${flight.flightNumber} deleted` : "No such flight");
  }

  let isStarting = false;

  async function start() {
    isStarting = true;
    await connected();
    if (stop.signal.aborted) return;
    try {
      await Promise.all([reload({ isUrgent: true }), refreshFlight(id)]);
      flight = allDepartures().get(id)?.flight ?? null;
      if (!flight && !stop.signal.aborted) showGone();
    } catch (error) {
      if (!stop.signal.aborted) notifyError(error, "The flight could not be read");
    } finally {
      isStarting = false;
    }
    show();
  }

  searchList(search, focus, show);

  /** Does something to the passenger who has the focus. @param {"board" | "offload" | "correct"} what */
  const withFocused = (what) => () => {
    const row = document.activeElement?.closest("[data-passenger]");
    const passenger = passengers.find(({ id }) => row instanceof HTMLElement && id === row.dataset.passenger);
    if (passenger) act(what, passenger);
    else focus.move(0);
  };

  const leave = [
    onDepartures(() => {
      const known = allDepartures().get(id);
      if (!known) {
        if (flight && !isStarting) showGone();
        return;
      }
      flight = known.flight;
      show();
    }),
    onEntries((entries) => {
      if (entries.some(({ stream, data }) => stream === "passenger-stream" && data?.flightId === id)) {
        void reload();
      }
    }),
    onReset(() => void start()),
  ];
  show();
  void start();

  return {
    title: flight ? `${flight.flightNumber} ${route(flight)}` : "Flight",
    keys: {
      "/": () => (searchField.hidden ? adder.focus() : search.focus()),
      n: () => adder.focus(),
      b: withFocused("board"),
      o: withFocused("offload"),
      c: withFocused("correct"),
      d: disembark.press,
      l: land.press,
      e: details.press,
      u: () => navigate("/"),
      ArrowDown: () => focus.move(1),
      ArrowUp: () => focus.move(-1),
      Home: () => focus.moveTo("first"),
      End: () => focus.moveTo("last"),
    },
    unmount() {
      stop.abort();
      for (const end of leave) end();
    },
  };
}

/** @param {string} id @param {AbortSignal} signal @returns {Promise<FullManifest>} */
async function manifestOf(id, signal) {
  try {
    return (await query(`/api/manifests/${id}?missing=0`, { signal })).body;
  } catch (error) {
    const isNoManifest = error instanceof Problem && error.slug === "manifest-not-found";
    if (!isNoManifest) throw error;
    return { ...emptyManifest(id), passengers: [], passengersNext: null };
  }
}

/**
 * A button that says why it cannot be used, and can be reached even then.
 * @param {string} label @param {string | null} key @param {() => void} act
 */
function gatedButton(label, key, act) {
  /** @type {string | null} */
  let reason = null;
  const press = () => {
    if (button.hidden) return;
    if (reason) say(reason);
    else act();
  };
  const button = h("button", { type: "button", "aria-keyshortcuts": key, onclick: press }, label);
  return {
    button,
    press,
    reason: () => reason,
    /** @param {string | null} text */
    setReason(text) {
      reason = text;
      setAttribute(button, "aria-disabled", text ? "true" : null);
      setAttribute(button, "title", text);
      setAttribute(button, "aria-describedby", text ? "why" : null);
    },
  };
}
