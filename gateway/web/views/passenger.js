// One passenger: where they are, and what has happened to them.
import { boardPassenger, correctName, offloadPassenger } from "../actions.js";
import { Problem, query } from "../api.js";
import { bdi, fill, h, setText } from "../dom.js";
import { allDepartures, onDepartures, refreshFlight } from "../flights.js";
import { historyList } from "../history.js";
import { KEYS } from "../keys.js";
import { connected, onChanges, onReset } from "../live.js";
import { route } from "../model.js";
import { learnName, nameOf } from "../names.js";
import { notifyError } from "../notices.js";
import { navigate } from "../router.js";
import {
  cannotBoard,
  cannotCorrectName,
  cannotOffload,
  mayNotChangePassengers,
  mayNotReadAuditLog,
} from "../rules.js";
import { actionBar, showPassengerStatus } from "./widgets.js";

/** @import { Context, View } from "../router.js" */
/** @import { Passenger } from "../model.js" */
/** @import { Answer } from "../api.js" */
/** @import { Rule } from "../rules.js" */

/** @param {Context} context @returns {View} */
export function passengerView({ container, path, setTitle }) {
  const id = path.id;
  const stop = new AbortController();
  /** @type {Passenger | null} */
  let passenger = null;

  const summary = passengerSummary();
  const actions = passengerActions(() => passenger, shown);
  const history = mayNotReadAuditLog() === null ? historyList({ passengerId: id }) : null;
  const past = history?.element ?? h("p", { class: "hint" }, mayNotReadAuditLog());
  container.classList.add("passenger");
  container.append(
    summary.heading,
    summary.element,
    actions.row,
    actions.why,
    h("section", { "aria-labelledby": "history" }, h("h2", { id: "history" }, "History"), past),
  );

  /** @param {Answer} answer */
  async function shown({ body }) {
    if (body?.id === id) passenger = body;
    show();
    if (passenger) await refreshFlight(passenger.flightId);
  }

  function show() {
    if (!passenger) return;
    learnName(id, passenger.name);
    setTitle(passenger.name);
    summary.show(passenger);
    actions.show();
  }

  async function read() {
    try {
      const { body } = await query(`/api/passengers/${id}`, { signal: stop.signal });
      passenger = body;
      if (passenger && !allDepartures().has(passenger.flightId)) await refreshFlight(passenger.flightId);
      show();
    } catch (error) {
      if (stop.signal.aborted) return;
      if (error instanceof Problem && error.status === 404) showGone();
      else notifyError(error, "The passenger could not be read");
    }
  }

  function showGone() {
    const known = passenger?.name ?? nameOf("passenger", id, passenger?.flightId ?? id);
    passenger = null;
    setTitle(known ?? "No such passenger");
    summary.showGone(known);
    actions.show();
  }

  async function start() {
    await connected();
    if (!stop.signal.aborted) await read();
  }

  const leave = [
    onDepartures(show),
    onChanges((changes) => {
      if (changes.some(({ passengerId }) => passengerId === id)) void read();
    }),
    onReset(() => void start()),
  ];
  void start();

  return {
    title: "Passenger",
    keys: { ...actions.keys, [KEYS.up]: () => navigate(passenger ? `/flights/${passenger.flightId}` : "/") },
    unmount() {
      stop.abort();
      history?.stop();
      for (const end of leave) end();
    },
  };
}

/** Who it is, and where they are. */
function passengerSummary() {
  const name = h("bdi", {}, "Passenger");
  const badge = h("span", { class: "badge" });
  const flightLine = h("p", {});
  return {
    heading: h("h1", {}, name),
    element: h("div", { class: "summary" }, badge, flightLine),
    /** @param {Passenger} passenger */
    show(passenger) {
      setText(name, passenger.name);
      showPassengerStatus(badge, passenger.status);
      const flight = allDepartures().get(passenger.flightId)?.flight;
      fill(
        flightLine,
        "on ",
        h("a", { href: `/flights/${passenger.flightId}` }, bdi(flight?.flightNumber ?? "their flight")),
        ...(flight ? [", ", bdi(route(flight))] : []),
      );
    },
    /** @param {string | null} known What they were called. */
    showGone(known) {
      setText(name, known ?? "No such passenger");
      setText(badge, "Removed");
      fill(flightLine, "There is no such passenger any more: a flight is deleted with its passengers.");
    },
  };
}

/**
 * What can be done to a passenger.
 * @param {() => Passenger | null} passenger @param {(answer: Answer) => Promise<void>} shown
 */
function passengerActions(passenger, shown) {
  /**
   * @param {Rule} cannot
   * @param {(passenger: Passenger, shown: (answer: Answer) => Promise<void>) => unknown} act
   */
  const ruledBy = (cannot, act) => ({
    mayNot: mayNotChangePassengers,
    // What their own status rules out is not offered; what their flight rules out is, with the reason.
    isOffered: () => cannot(null, null, passenger()) === null,
    cannot() {
      const known = passenger();
      const departure = known ? allDepartures().get(known.flightId) : undefined;
      return cannot(departure?.flight, departure?.manifest, known);
    },
    act() {
      const known = passenger();
      if (known) act(known, shown);
    },
  });
  return actionBar(() => passenger() !== null, [
    { label: "Board", key: KEYS.board, isPrimary: true, ...ruledBy(cannotBoard, boardPassenger) },
    { label: "Offload", key: KEYS.offload, ...ruledBy(cannotOffload, offloadPassenger) },
    { label: "Correct name", key: KEYS.correctName, ...ruledBy(cannotCorrectName, correctName) },
  ]);
}
