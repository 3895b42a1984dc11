// The board for a screen on the wall: read across a room, touched by nobody.
import { h, keyedList, setText } from "../dom.js";
import { showDeparture } from "../flight_details.js";
import { allDepartures, onDepartures } from "../flights.js";
import { boarding } from "../model.js";
import { timeWithSeconds } from "../format.js";
import { navigate } from "../router.js";
import { showStatus } from "./widgets.js";

/** @import { Context, View } from "../router.js" */
/** @import { Departure } from "../flights.js" */

const PAGE_MS = 10_000;
const SHORTEST_ROW_PX = 56;

/** @param {Departure} departure */
const order = ({ flight }) =>
  `${flight.scheduledDeparture ? Date.parse(flight.scheduledDeparture) : "~"} ${flight.id}`;

/** @param {Context} context @returns {View} */
export function wallView({ container }) {
  const clock = h("span", { class: "clock" });
  const page = h("span", { class: "page" });
  const body = h("div", { role: "rowgroup" });
  const headers = ["Departure", "Flight", "To", "Status", "Boarded"];
  const rows = keyedList(body, (/** @type {Departure} */ { flight }) => flight.id, createRow);
  let at = 0;

  document.documentElement.classList.add("on-wall");
  container.classList.add("wall");
  container.append(
    h(
      "div",
      { class: "heading" },
      h("h1", {}, "Departures"),
      page,
      clock,
      h("a", { href: "/" }, "Leave (Esc)"),
    ),
    h(
      "div",
      { role: "table", "aria-label": "Departures" },
      h(
        "div",
        { role: "rowgroup" },
        h(
          "div",
          { class: "row head", role: "row" },
          ...headers.map((text) => h("div", { role: "columnheader" }, text)),
        ),
      ),
      body,
    ),
  );

  function show() {
    const perPage = Math.max(1, Math.floor((innerHeight - body.offsetTop) / rowHeight()));
    const departures = [...allDepartures().values()]
      .filter(({ flight }) => flight.status !== "arrived")
      .sort((one, other) => (order(one) < order(other) ? -1 : 1));
    const pages = Math.max(1, Math.ceil(departures.length / perPage));
    at %= pages;
    rows.update(departures.slice(at * perPage, (at + 1) * perPage));
    setText(page, pages > 1 ? `${at + 1} / ${pages}` : "");
  }

  const rowHeight = () =>
    Math.max(body.firstElementChild?.getBoundingClientRect().height ?? 0, SHORTEST_ROW_PX);
  const tick = () => setText(clock, timeWithSeconds(new Date()));
  const timers = [
    setInterval(tick, 1_000),
    setInterval(() => {
      at++;
      show();
    }, PAGE_MS),
  ];
  addEventListener("resize", show);
  const leave = onDepartures(show);
  tick();
  show();
  // The rows are as high as they are only now.
  requestAnimationFrame(show);

  return {
    title: "Wall board",
    keys: { Escape: () => navigate("/") },
    unmount() {
      document.documentElement.classList.remove("on-wall");
      for (const timer of timers) clearInterval(timer);
      removeEventListener("resize", show);
      leave();
    },
  };
}

function createRow() {
  const time = h("time", {});
  const number = h("bdi", {});
  const destination = h("bdi", {});
  const badge = h("span", { class: "badge" });
  const count = h("span", {});
  const cell = (/** @type {Node} */ content) => h("div", { role: "cell" }, content);
  return {
    element: h(
      "div",
      { class: "row", role: "row" },
      cell(time),
      cell(number),
      cell(destination),
      cell(badge),
      cell(count),
    ),
    /** @param {Departure} departure */
    update({ flight, manifest }) {
      showDeparture(time, flight.scheduledDeparture);
      setText(number, flight.flightNumber);
      setText(destination, flight.destination);
      showStatus(badge, flight.status);
      const { boarded, total } = boarding(manifest.counts);
      setText(count, total > 0 ? `${boarded}/${total}` : "–");
    },
  };
}
