// All flights on one board.
import { h, keyedList, rovingFocus, searchList, setAttribute, setText } from "../dom.js";
import { allDepartures, arrivedState, loadArrived, loadState, onDepartures } from "../flights.js";
import { boarding, FLIGHT_STATUS, plural, route } from "../model.js";
import { notifyError, say } from "../notices.js";
import { replaceParameters } from "../router.js";
import { flash, showBoarding, showDeparture, showStatus } from "./widgets.js";

/** @import { Context, View } from "../router.js" */
/** @import { Departure } from "../flights.js" */
/** @import { FlightStatus } from "../model.js" */

/** More rows are made when one comes to the end of these. */
const ROWS = 100;
const TYPING_PAUSE_MS = 250;

/** @type {Record<string, {label: string, statuses: FlightStatus[]}>} */
const TABS = {
  active: { label: "Active", statuses: ["waitingForBoarding", "allBoarded", "disembarked"] },
  gate: { label: "At the gate", statuses: ["waitingForBoarding", "allBoarded"] },
  ready: { label: "All boarded", statuses: ["allBoarded"] },
  air: { label: "In the air", statuses: ["disembarked"] },
  arrived: { label: "Arrived", statuses: ["arrived"] },
};

/** @type {Record<string, {label: string, compare: (one: Departure, other: Departure) => number}>} */
const COLUMNS = {
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

async function createFlight() {
  const actions = await import("../actions.js");
  actions.createFlight();
}

/** What had the focus when the board was left. @type {string | null} */
let lastFlight = null;

/** @param {Context} context @returns {View} */
export function boardView({ container, parameters }) {
  const search = h("input", {
    type: "search",
    id: "board-search",
    autocomplete: "off",
    placeholder: "Number or place",
    "aria-keyshortcuts": "/",
  });
  const tabs = h("fieldset", { class: "tabs" }, h("legend", { class: "visually-hidden" }, "Which flights"));
  const sortSelect = h(
    "select",
    { id: "board-sort" },
    ...Object.entries(COLUMNS).map(([value, { label }]) => h("option", { value }, label)),
  );
  const head = h("div", { class: "row head", role: "row" });
  const body = h("div", { role: "rowgroup" });
  const table = h(
    "div",
    { role: "table", "aria-label": "Flights", class: "board" },
    h("div", { role: "rowgroup" }, head),
    body,
  );
  const note = h("p", { class: "count", role: "status" });
  const empty = h("div", { class: "empty" });
  const moreRows = h("div", { class: "sentinel", "aria-hidden": "true" });
  const moreArrived = h(
    "button",
    { type: "button", hidden: true, onclick: () => void showArrived() },
    "Show more that arrived",
  );
  const rows = keyedList(body, (/** @type {Departure} */ { flight }) => flight.id, createRow);
  const focus = rovingFocus(body, "a.number");

  let tab = TABS[parameters.get("show") ?? ""] ? String(parameters.get("show")) : "active";
  let sort = COLUMNS[parameters.get("sort") ?? ""] ? String(parameters.get("sort")) : "departure";
  let isDescending = parameters.get("order") === "descending";
  let shown = ROWS;
  search.value = parameters.get("text") ?? "";

  /** @type {Map<string, HTMLElement>} */
  const counts = new Map();
  for (const [value, { label }] of Object.entries(TABS)) {
    const count = h("span", { class: "number-of" });
    counts.set(value, count);
    const input = h("input", { type: "radio", name: "tab", value, checked: value === tab });
    input.addEventListener("change", () => {
      tab = value;
      shown = ROWS;
      changed();
      if (tab === "arrived") void showArrived();
    });
    tabs.append(h("label", {}, input, h("span", {}, label, " ", count)));
  }

  /** @type {Map<string, HTMLElement>} */
  const headers = new Map();
  for (const [value, { label }] of Object.entries(COLUMNS)) {
    const header = h(
      "div",
      { role: "columnheader", class: `cell-${value}` },
      h("button", { type: "button", class: "sort", onclick: () => sortBy(value) }, label),
    );
    headers.set(value, header);
    head.append(header);
  }

  /** @param {string} column */
  function sortBy(column) {
    isDescending = sort === column && !isDescending;
    sort = column;
    changed();
    say(`Sorted by ${COLUMNS[column].label}${isDescending ? ", descending" : ""}`);
  }

  function changed() {
    const parameters = new URLSearchParams();
    if (tab !== "active") parameters.set("show", tab);
    if (search.value) parameters.set("text", search.value);
    if (sort !== "departure") parameters.set("sort", sort);
    if (isDescending) parameters.set("order", "descending");
    replaceParameters(parameters);
    show();
  }

  async function showArrived() {
    try {
      await loadArrived(search.value.trim());
    } catch (error) {
      notifyError(error, "The flights that arrived could not be read");
    }
  }

  /** @param {Departure} departure @param {string} text */
  function matchesText({ flight }, text) {
    return `${flight.flightNumber}\n${flight.origin}\n${flight.destination}`.toLowerCase().includes(text);
  }

  function wanted() {
    const text = search.value.trim().toLowerCase();
    const found = [...allDepartures().values()].filter((departure) => matchesText(departure, text));
    for (const [value, { statuses }] of Object.entries(TABS)) {
      const number = found.filter(({ flight }) => statuses.includes(flight.status)).length;
      const isPartial = value === "arrived" && (!arrivedState().isLoaded || arrivedState().next !== null);
      const count = counts.get(value);
      if (count) setText(count, isPartial ? (number > 0 ? `${number}+` : "") : String(number));
    }
    const { compare } = COLUMNS[sort];
    const direction = isDescending ? -1 : 1;
    return found
      .filter(({ flight }) => TABS[tab].statuses.includes(flight.status))
      .sort((one, other) => direction * compare(one, other) || (one.flight.id < other.flight.id ? -1 : 1));
  }

  function show() {
    const departures = wanted();
    rows.update(departures.slice(0, shown));
    focus.refresh();
    moreRows.hidden = departures.length <= shown;
    moreArrived.hidden = tab !== "arrived" || arrivedState().next === null;
    for (const [column, header] of headers) {
      const order = isDescending ? "descending" : "ascending";
      setAttribute(header, "aria-sort", column === sort ? order : null);
    }
    sortSelect.value = sort;
    const isLoading = loadState() !== "done" || (tab === "arrived" && !arrivedState().isLoaded);
    const isEmpty = departures.length === 0;
    setText(note, !isEmpty ? plural(departures.length, "flight") : isLoading ? "Reading the flights …" : "");
    table.hidden = isEmpty;
    empty.hidden = !isEmpty || isLoading;
    if (!empty.hidden) explainEmpty();
  }

  function explainEmpty() {
    const create = h(
      "button",
      { type: "button", class: "primary", onclick: createFlight },
      "Create a flight",
    );
    const isFirst = allDepartures().size === 0 && !search.value && tab === "active";
    if (isFirst) {
      empty.replaceChildren(
        h("h2", {}, "No flights yet"),
        h("p", {}, "Create the first one, add its passengers, board them, and let it depart."),
        create,
        h("p", { class: "hint" }, "To look round first, start ", h("code", {}, "jetbridge demo"), "."),
      );
    } else if (search.value) {
      empty.replaceChildren(
        h("h2", {}, "No flight fits"),
        h(
          "p",
          {},
          "None of these flights has ",
          h("q", {}, h("bdi", {}, search.value)),
          " in its number or places.",
        ),
        h("button", { type: "button", onclick: clearSearch }, "Clear the search"),
      );
    } else {
      empty.replaceChildren(
        h("h2", {}, "None at the moment"),
        h("p", {}, "Flights come here by themselves."),
      );
    }
  }

  function clearSearch() {
    search.value = "";
    searched();
    search.focus();
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  function searched() {
    shown = ROWS;
    changed();
    clearTimeout(timer);
    if (tab === "arrived") timer = setTimeout(showArrived, TYPING_PAUSE_MS);
  }

  searchList(search, focus, searched);
  sortSelect.addEventListener("change", () => {
    sort = sortSelect.value;
    isDescending = false;
    changed();
  });
  body.addEventListener("focusin", () => {
    lastFlight = focus.current()?.dataset.flight ?? null;
  });

  container.classList.add("flights");
  container.append(
    h(
      "div",
      { class: "heading" },
      h("h1", {}, "Flights"),
      h(
        "button",
        { type: "button", class: "primary", "aria-keyshortcuts": "n", onclick: createFlight },
        "New flight",
      ),
    ),
    h(
      "div",
      { class: "filters", role: "search", "aria-label": "Flights" },
      h("div", { class: "field" }, h("label", { for: "board-search" }, "Search"), search),
      tabs,
      h("div", { class: "field sort-field" }, h("label", { for: "board-sort" }, "Sort by"), sortSelect),
    ),
    note,
    table,
    empty,
    moreRows,
    moreArrived,
  );
  show();
  if (tab === "arrived") void showArrived();
  const observer = new IntersectionObserver((changes) => {
    if (!changes.some(({ isIntersecting }) => isIntersecting) || moreRows.hidden) return;
    shown += ROWS;
    show();
  }, { rootMargin: "600px" });
  observer.observe(moreRows);
  const leave = onDepartures(show);
  const last = lastFlight ? rows.element(lastFlight)?.querySelector("a") : null;
  if (last) focus.focus(last);

  return {
    title: "Flights",
    keys: {
      "/": () => search.focus(),
      n: () => void createFlight(),
      ArrowDown: () => focus.move(1),
      ArrowUp: () => focus.move(-1),
      Home: () => focus.moveTo("first"),
      End: () => focus.moveTo("last"),
    },
    unmount() {
      clearTimeout(timer);
      observer.disconnect();
      leave();
    },
  };
}

function createRow() {
  const number = h("bdi", {});
  const link = h("a", { class: "number", tabindex: "-1" }, number);
  const places = h("bdi", {});
  const time = h("time", {});
  const badge = h("span", { class: "badge" });
  const bar = h("progress", { max: 1, value: 0 });
  const count = h("span", { class: "fraction" });
  const cell = (/** @type {string} */ name, /** @type {Node[]} */ ...content) =>
    h("div", { role: "cell", class: `cell-${name}` }, ...content);
  const element = h(
    "div",
    { class: "row", role: "row" },
    cell("flight", link),
    cell("route", places),
    cell("departure", time),
    cell("status", badge),
    cell("boarded", count, bar),
  );
  /** @type {string | null} */
  let before = null;

  return {
    element,
    /** @param {Departure} departure */
    update({ flight, manifest }) {
      link.href = `/flights/${flight.id}`;
      link.dataset.flight = flight.id;
      setText(number, flight.flightNumber);
      setText(places, route(flight));
      showDeparture(time, flight.scheduledDeparture);
      showStatus(badge, flight.status);
      showBoarding(bar, count, manifest.counts);
      const now = JSON.stringify([flight, manifest.counts]);
      if (before !== null && before !== now && loadState() === "done") flash(element);
      before = now;
    },
  };
}
