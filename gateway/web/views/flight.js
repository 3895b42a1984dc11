// One flight and its passengers: what a gate agent works with.
import { correctFlight, deleteFlight, disembarkFlight, landFlight } from "../actions.js";
import { fill, h, setText } from "../dom.js";
import { detailsSummary } from "../flight_details.js";
import { allDepartures, onDepartures, refreshFlight } from "../flights.js";
import { connected, onReset } from "../live.js";
import { KEYS } from "../keys.js";
import { followManifest } from "../manifest.js";
import { isAtGate, route } from "../model.js";
import { notifyError } from "../notices.js";
import { navigate } from "../router.js";
import {
  cannotCorrectDetails,
  cannotDelete,
  cannotDisembark,
  cannotLand,
  mayNotChangeFlights,
  mayNotReadAuditLog,
} from "../rules.js";
import { passengerList } from "./passenger_list.js";
import { actionBar, showBoarding, showStatus } from "./widgets.js";

/** @import { Context, View } from "../router.js" */
/** @import { Flight, Manifest } from "../model.js" */
/** @import { Answer } from "../api.js" */
/** @import { Situation } from "./passenger_list.js" */

/** @param {Context} context @returns {View} */
export function flightView({ container, path, setTitle }) {
  const id = path.id;
  const stop = new AbortController();
  /** @type {Flight | null} */
  let flight = allDepartures().get(id)?.flight ?? null;
  let isGone = false;
  let isStarting = false;

  const failed = (/** @type {unknown} */ error) => list.tellFailure(error);
  const manifest = followManifest(id, { signal: stop.signal, changed: show, failed });
  const situation = () => ({ flight, ...manifest.current() });
  const summary = flightSummary();
  const bar = flightActions(id, situation);
  const list = passengerList(id, situation, shown);
  const page = flightPage(summary.heading, summary.element, bar.row, bar.why, list.element);
  container.append(...page.elements);

  /** Shows a command's answer, and then what follows from it. @param {Answer} answer */
  async function shown({ body }) {
    if (body?.id && body.name) {
      manifest.take(body);
      show();
    }
    await Promise.all([manifest.reload({ isUrgent: true }), refreshFlight(id)]);
  }

  function show() {
    if (isGone) return;
    if (flight) setTitle(titleOf(flight));
    summary.show(situation());
    bar.show();
    list.show();
  }

  function showGone() {
    isGone = true;
    page.showGone(id, flight);
    setTitle(flight ? `${flight.flightNumber} deleted` : "No such flight");
  }

  function takeFlight() {
    const known = allDepartures().get(id);
    if (known) {
      flight = known.flight;
      show();
    } else if (flight && !isStarting) showGone();
  }

  async function start() {
    isStarting = true;
    await connected();
    if (stop.signal.aborted) return;
    try {
      await Promise.all([manifest.reload({ isUrgent: true }), refreshFlight(id)]);
      flight = allDepartures().get(id)?.flight ?? null;
      if (!flight && !stop.signal.aborted) showGone();
    } catch (error) {
      if (!stop.signal.aborted) notifyError(error, "The flight could not be read");
    } finally {
      isStarting = false;
    }
    show();
  }

  const leave = [onDepartures(takeFlight), onReset(() => void start())];
  show();
  void start();

  return {
    title: flight ? titleOf(flight) : "Flight",
    keys: { ...list.keys, ...bar.keys, [KEYS.up]: () => navigate("/") },
    search: list.search,
    scanned: list.scanned,
    unmount() {
      stop.abort();
      for (const end of leave) end();
    },
  };
}

/** @param {Flight} flight */
const titleOf = (flight) => `${flight.flightNumber} ${route(flight)}`;

/** The page of a flight, or of what is left of it. @param {HTMLElement} heading @param {...HTMLElement} parts */
function flightPage(heading, ...parts) {
  const content = h("div", { class: "stack" }, ...parts);
  const gone = h("div", { class: "empty", hidden: true });
  const back = h("p", { class: "back" }, h("a", { href: "/" }, "‹ All flights"));
  return {
    elements: [back, heading, gone, content],
    /** @param {string} id @param {Flight | null} flight How it was known. */
    showGone(id, flight) {
      content.hidden = true;
      gone.hidden = false;
      setText(heading, flight ? flight.flightNumber : "No such flight");
      const text = flight
        ? "This flight was deleted."
        : "There is no flight at this address; it may have been deleted.";
      const history = mayNotReadAuditLog() === null
        ? [h("a", { href: `/audit-log?flightId=${id}` }, "Its history"), " · "]
        : [];
      const board = h("a", { href: "/" }, "All flights");
      fill(gone, h("p", {}, text), h("p", {}, ...history, board));
    },
  };
}

/** Which flight it is, where it goes, when, and how far its boarding is. */
function flightSummary() {
  const heading = h("h1", {}, "Flight");
  const places = h("bdi", {});
  const details = detailsSummary();
  const badge = h("span", { class: "badge" });
  const bar = h("progress", { max: 1, value: 0 });
  const count = h("span", { class: "fraction" });
  const boarding = h("span", { class: "boarding" }, count, bar);
  return {
    heading,
    element: h("div", { class: "summary" }, places, ...details.elements, badge, boarding),
    /** @param {Situation} situation */
    show({ flight, manifest }) {
      showBoarding(bar, count, manifest.counts);
      if (!flight) return;
      setText(heading, flight.flightNumber);
      setText(places, route(flight));
      details.show(flight);
      showStatus(badge, flight.status);
    },
  };
}

/** Where its history is, for those who may see that. @param {string} id */
const historyLink = (id) =>
  mayNotReadAuditLog() === null
    ? [h("a", { class: "button", href: `/audit-log?flightId=${id}` }, "History")]
    : [];

/** What can be done to the flight itself. @param {string} id @param {() => Situation} situation */
function flightActions(id, situation) {
  const isWaiting = () => {
    const { flight } = situation();
    return flight === null || isAtGate(flight);
  };
  /**
   * @param {(flight: Flight | null, manifest: Manifest) => string | null} cannot
   * @param {(flight: Flight, manifest: Manifest) => unknown} act
   */
  const ruledBy = (cannot, act) => ({
    mayNot: mayNotChangeFlights,
    cannot: () => cannot(situation().flight, situation().manifest),
    act() {
      const { flight, manifest } = situation();
      if (flight) act(flight, manifest);
    },
  });

  return actionBar(() => situation().flight !== null, [
    {
      label: "Disembark (departs)",
      key: KEYS.disembark,
      isOffered: isWaiting,
      ...ruledBy(cannotDisembark, disembarkFlight),
    },
    { label: "Land", key: KEYS.land, isOffered: () => !isWaiting(), ...ruledBy(cannotLand, landFlight) },
    { label: "Correct details", key: KEYS.correctDetails, ...ruledBy(cannotCorrectDetails, correctFlight) },
    { label: "Delete", ...ruledBy(cannotDelete, deleteFlight) },
  ], ...historyLink(id));
}
