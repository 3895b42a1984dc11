// All flights on one board.
import { h, keyedList, setAttribute, setText } from "../dom.js";
import { showDeparture } from "../flight_details.js";
import { allDepartures, arrivedState, loadArrived, loadState, onDepartures } from "../flights.js";
import { rovingFocus, searchList } from "../focus.js";
import { KEYS } from "../keys.js";
import { plural, route } from "../model.js";
import { notifyError, say } from "../notices.js";
import { replaceParameters } from "../router.js";
import { mayNotChangeFlights } from "../rules.js";
import { COLUMNS, inTab, matching, parametersOf, readChoices, sorted, TABS } from "./board_choices.js";
import { flash, searchField, showBoarding, showStatus } from "./widgets.js";

/** @import { Context, View } from "../router.js" */
/** @import { Departure } from "../flights.js" */
/** @import { Choices } from "./board_choices.js" */

/** More rows are made when one comes to the end of these. */
const ROWS = 100;
const TYPING_PAUSE_MS = 250;

async function createFlight() {
  const why = mayNotChangeFlights();
  if (why !== null) {
    say(why);
    return;
  }
  const actions = await import("../actions.js");
  actions.createFlight();
}

/** What had the focus when the board was left. @type {string | null} */
let lastFlight = null;

/** @param {Context} context @returns {View} */
export function boardView({ container, parameters }) {
  const choices = readChoices(parameters);
  let shown = ROWS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const loadMore = () => void showArrived(choices.text);
  const tabs = tabBar(choices.tab, chooseTab);
  const search = searchField("board-search", "Number or place");
  search.input.value = choices.text;
  const sort = sortSelect((column) => change({ sort: column, isDescending: false }));
  const table = flightTable(sortBy);
  const result = searchResult(table, { clearSearch, loadMore });

  /** @param {Partial<Choices>} news */
  function change(news) {
    Object.assign(choices, news);
    replaceParameters(parametersOf(choices));
    show();
  }

  /** @param {string} tab */
  function chooseTab(tab) {
    shown = ROWS;
    change({ tab });
    if (tab === "arrived") loadMore();
  }

  /** @param {string} column */
  function sortBy(column) {
    const isDescending = choices.sort === column && !choices.isDescending;
    change({ sort: column, isDescending });
    say(`Sorted by ${COLUMNS[column].label}${isDescending ? ", descending" : ""}`);
  }

  function searched() {
    shown = ROWS;
    change({ text: search.input.value });
    clearTimeout(timer);
    if (choices.tab === "arrived") timer = setTimeout(loadMore, TYPING_PAUSE_MS);
  }

  function clearSearch() {
    search.input.value = "";
    searched();
    search.input.focus();
  }

  function show() {
    const found = matching(allDepartures().values(), choices.text);
    const departures = sorted(inTab(found, choices.tab), choices);
    tabs.show(found);
    sort.input.value = choices.sort;
    result.show(departures, shown, choices);
  }

  function showMore() {
    shown += ROWS;
    show();
  }

  searchList(search.input, table.focus, searched);
  container.classList.add("flights");
  container.append(heading(), filters(search, tabs, sort), ...result.elements);
  show();
  if (choices.tab === "arrived") loadMore();
  const observer = whenInSight(result.moreRows, showMore);
  const leave = onDepartures(show);
  table.restoreFocus();

  return {
    title: "Flights",
    keys: { ...table.keys, [KEYS.search]: () => search.input.focus(), [KEYS.newFlight]: createFlight },
    search: () => search.input,
    unmount() {
      clearTimeout(timer);
      observer.disconnect();
      leave();
    },
  };
}

/** @param {string} text */
async function showArrived(text) {
  try {
    await loadArrived(text.trim());
  } catch (error) {
    notifyError(error, "The flights that arrived could not be read");
  }
}

/** Calls when somebody comes near the end of what is shown. @param {HTMLElement} end @param {() => void} act */
function whenInSight(end, act) {
  const observer = new IntersectionObserver((changes) => {
    if (changes.some(({ isIntersecting }) => isIntersecting) && !end.hidden) act();
  }, { rootMargin: "600px" });
  observer.observe(end);
  return observer;
}

function heading() {
  const button = h(
    "button",
    { type: "button", class: "primary", "aria-keyshortcuts": KEYS.newFlight, onclick: createFlight },
    "New flight",
  );
  const why = mayNotChangeFlights();
  const place = why === null ? button : h("p", { class: "hint" }, why);
  return h("div", { class: "heading" }, h("h1", {}, "Flights"), place);
}

/** @param {...{element: HTMLElement}} parts */
function filters(...parts) {
  const elements = parts.map(({ element }) => element);
  return h("div", { class: "filters", role: "search", "aria-label": "Flights" }, ...elements);
}

/** @param {string} chosen @param {(tab: string) => void} choose */
function tabBar(chosen, choose) {
  const element = h(
    "fieldset",
    { class: "tabs" },
    h("legend", { class: "visually-hidden" }, "Which flights"),
  );
  /** @type {Map<string, HTMLElement>} */
  const counts = new Map();
  for (const [value, { label }] of Object.entries(TABS)) {
    const count = h("span", { class: "number-of" });
    counts.set(value, count);
    const input = h("input", {
      type: "radio",
      name: "tab",
      value,
      checked: value === chosen,
      onchange: () => choose(value),
    });
    element.append(h("label", {}, input, h("span", {}, label, " ", count)));
  }
  return {
    element,
    /** Shows how many there are in each. @param {Departure[]} found */
    show(found) {
      for (const [tab, count] of counts) {
        const number = inTab(found, tab).length;
        const isPartial = tab === "arrived" && (!arrivedState().isLoaded || arrivedState().next !== null);
        setText(count, isPartial ? (number > 0 ? `${number}+` : "") : String(number));
      }
    },
  };
}

/** Where there are no columns to click on. @param {(column: string) => void} choose */
function sortSelect(choose) {
  const options = Object.entries(COLUMNS).map(([value, { label }]) => h("option", { value }, label));
  const input = h("select", { id: "board-sort", onchange: () => choose(input.value) }, ...options);
  const label = h("label", { for: "board-sort" }, "Sort by");
  return { input, element: h("div", { class: "field sort-field" }, label, input) };
}

/** @param {(column: string) => void} sortBy */
function flightTable(sortBy) {
  /** @type {[string, HTMLElement][]} */
  const headers = Object.entries(COLUMNS).map(([column, { label }]) => {
    const button = h("button", { type: "button", class: "sort", onclick: () => sortBy(column) }, label);
    return [column, h("div", { role: "columnheader", class: `cell-${column}` }, button)];
  });
  const head = h("div", { class: "row head", role: "row" }, ...headers.map(([, header]) => header));
  const body = h("div", { role: "rowgroup" });
  const rows = keyedList(body, (/** @type {Departure} */ { flight }) => flight.id, createRow);
  const focus = rovingFocus(body, "a.number");
  body.addEventListener("focusin", () => {
    lastFlight = focus.current()?.dataset.flight ?? null;
  });

  return {
    element: h(
      "div",
      { role: "table", "aria-label": "Flights", class: "board" },
      h("div", { role: "rowgroup" }, head),
      body,
    ),
    focus,
    keys: focus.keys,
    /** @param {Departure[]} departures @param {Choices} choices */
    show(departures, { sort, isDescending }) {
      rows.update(departures);
      focus.refresh();
      for (const [column, header] of headers) {
        const order = isDescending ? "descending" : "ascending";
        setAttribute(header, "aria-sort", column === sort ? order : null);
      }
    },
    /** Back to where it was when the board was left. */
    restoreFocus() {
      const last = lastFlight ? rows.element(lastFlight)?.querySelector("a") : null;
      if (last) focus.focus(last);
    },
  };
}

/**
 * The flights that fit, how many they are, and how to get at more.
 * @param {ReturnType<typeof flightTable>} table
 * @param {{clearSearch: () => void, loadMore: () => void}} actions
 */
function searchResult(table, { clearSearch, loadMore }) {
  const note = h("p", { class: "count", role: "status" });
  const empty = h("div", { class: "empty" });
  const moreRows = h("div", { class: "sentinel", "aria-hidden": "true" });
  const moreArrived = h("button", { type: "button", onclick: loadMore }, "Show more that arrived");
  return {
    elements: [note, table.element, empty, moreRows, moreArrived],
    moreRows,
    /** @param {Departure[]} departures @param {number} most So many rows are made. @param {Choices} choices */
    show(departures, most, choices) {
      table.show(departures.slice(0, most), choices);
      moreRows.hidden = departures.length <= most;
      moreArrived.hidden = choices.tab !== "arrived" || arrivedState().next === null;
      const isLoading = loadState() !== "done" || (choices.tab === "arrived" && !arrivedState().isLoaded);
      const isEmpty = departures.length === 0;
      setText(
        note,
        !isEmpty ? plural(departures.length, "flight") : isLoading ? "Reading the flights …" : "",
      );
      table.element.hidden = isEmpty;
      empty.hidden = !isEmpty || isLoading;
      if (!empty.hidden) empty.replaceChildren(...whyEmpty(choices, clearSearch));
    },
  };
}

/** What to say and do where there is no flight to show. @param {Choices} choices @param {() => void} clearSearch */
function whyEmpty({ tab, text }, clearSearch) {
  if (text) {
    const sought = h("q", {}, h("bdi", {}, text));
    return [
      h("h2", {}, "No flight fits"),
      h("p", {}, "None of these flights has ", sought, " in its number or places."),
      h("button", { type: "button", onclick: clearSearch }, "Clear the search"),
    ];
  }
  if (allDepartures().size > 0 || tab !== "active") {
    return [h("h2", {}, "None at the moment"), h("p", {}, "Flights come here by themselves.")];
  }
  if (mayNotChangeFlights() !== null) {
    return [h("h2", {}, "No flights yet"), h("p", {}, "Flights come here by themselves.")];
  }
  return [
    h("h2", {}, "No flights yet"),
    h("p", {}, "Create the first one, add its passengers, board them, and let it depart."),
    h("button", { type: "button", class: "primary", onclick: createFlight }, "Create a flight"),
    h("p", { class: "hint" }, "To look round first, start ", h("code", {}, "jetbridge demo"), "."),
  ];
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
