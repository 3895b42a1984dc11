// One passenger: where they are, and what has happened to them.
import { boardPassenger, correctName, offloadPassenger } from "../actions.js";
import { Problem, query } from "../api.js";
import { fill, h, setAttribute, setText } from "../dom.js";
import { allDepartures, onDepartures, refreshFlight } from "../flights.js";
import { historyList } from "../history.js";
import { connected, onEntries, onReset } from "../live.js";
import { isAtGate, PASSENGER_STATUS, route } from "../model.js";
import { learnName, nameOf } from "../names.js";
import { notifyError } from "../notices.js";
import { navigate } from "../router.js";

/** @import { Context, View } from "../router.js" */
/** @import { Passenger } from "../model.js" */
/** @import { Answer } from "../api.js" */

/** @param {Context} context @returns {View} */
export function passengerView({ container, path, setTitle }) {
  const id = path.id;
  const stop = new AbortController();
  /** @type {Passenger | null} */
  let passenger = null;

  const name = h("bdi", {}, "Passenger");
  const badge = h("span", { class: "badge" });
  const flightLine = h("p", {});
  const board = h("button", { type: "button", class: "primary", "aria-keyshortcuts": "b" }, "Board");
  const offload = h("button", { type: "button", "aria-keyshortcuts": "o" }, "Offload");
  const correct = h("button", { type: "button", "aria-keyshortcuts": "c" }, "Correct name");
  const why = h("p", { class: "hint why" });
  const actions = h("div", { class: "actions" }, board, offload, correct);
  const history = historyList({ passengerId: id });
  container.classList.add("passenger");
  container.append(
    h("h1", {}, name),
    h("div", { class: "summary" }, badge, flightLine),
    actions,
    why,
    h("section", { "aria-labelledby": "history" }, h("h2", { id: "history" }, "History"), history.element),
  );

  /** @param {Answer} answer */
  async function shown({ body }) {
    if (body?.id === id) passenger = body;
    show();
    if (passenger) await refreshFlight(passenger.flightId);
  }

  const may = () => {
    const flight = passenger ? allDepartures().get(passenger.flightId)?.flight : undefined;
    return flight === undefined || isAtGate(flight);
  };
  const doBoard = () => void (passenger?.status === "checkedIn" && may() && boardPassenger(passenger, shown));
  const doOffload = () => void (passenger && !offload.hidden && may() && offloadPassenger(passenger, shown));
  const doCorrect = () => void (passenger && may() && correctName(passenger, shown));
  board.addEventListener("click", doBoard);
  offload.addEventListener("click", doOffload);
  correct.addEventListener("click", doCorrect);

  function show() {
    if (!passenger) return;
    learnName(id, passenger.name);
    setText(name, passenger.name);
    setTitle(passenger.name);
    setText(badge, PASSENGER_STATUS[passenger.status]);
    badge.dataset.status = passenger.status;
    const flight = allDepartures().get(passenger.flightId)?.flight;
    fill(
      flightLine,
      "on ",
      h("a", { href: `/flights/${passenger.flightId}` }, flight?.flightNumber ?? "their flight"),
      flight && `, ${route(flight)}`,
    );
    board.hidden = passenger.status !== "checkedIn";
    offload.hidden = !["checkedIn", "boarded"].includes(passenger.status);
    for (const button of [board, offload, correct]) {
      setAttribute(button, "aria-disabled", may() ? null : "true");
    }
    setText(why, may() ? "" : "The flight has departed: its manifest cannot be changed.");
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
    setText(name, known ?? "No such passenger");
    setTitle(known ?? "No such passenger");
    actions.hidden = true;
    setText(badge, "Removed");
    fill(flightLine, "There is no such passenger any more: a flight is deleted with its passengers.");
  }

  async function start() {
    await connected();
    if (!stop.signal.aborted) await read();
  }

  const leave = [
    onDepartures(show),
    onEntries((entries) => {
      if (entries.some(({ data }) => data?.passengerId === id)) void read();
    }),
    onReset(() => void start()),
  ];
  void start();

  return {
    title: "Passenger",
    keys: {
      b: doBoard,
      o: doOffload,
      c: doCorrect,
      u: () => navigate(passenger ? `/flights/${passenger.flightId}` : "/"),
    },
    unmount() {
      stop.abort();
      history.stop();
      for (const end of leave) end();
    },
  };
}
