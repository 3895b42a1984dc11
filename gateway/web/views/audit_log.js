// The audit log: everything that happens, as it happens.
import { query, withParameters } from "../api.js";
import { EVENT_TYPES } from "../describe.js";
import { bdi, fill, h, setText } from "../dom.js";
import { timeWithSeconds } from "../format.js";
import { historyList, pendingText } from "../history.js";
import { KEYS } from "../keys.js";
import { linkState, onLinkState } from "../live.js";
import { route } from "../model.js";
import { nameOf, onNames } from "../names.js";
import { replaceParameters } from "../router.js";
import { mayNotReadAuditLog } from "../rules.js";

/** @import { Context, View } from "../router.js" */
/** @import { HistoryFilter } from "../history.js" */
/** @import { Flight, Passenger } from "../model.js" */

const MOST_FOUND = 6;
const TYPING_PAUSE_MS = 200;

/** @param {Context} context @returns {View} */
export function auditLogView(context) {
  const why = mayNotReadAuditLog();
  if (why === null) return entriesView(context);
  context.container.append(h("h1", {}, "Audit log"), h("p", {}, why));
  return { title: "Audit log" };
}

/** @param {Context} context @returns {View} */
function entriesView({ container, parameters, setTitle }) {
  const heading = h("h1", {});
  const pause = pauseControl((isPaused) => list?.setPaused(isPaused));
  const pendingNote = h("p", { class: "pending", role: "status" });
  const filters = filterBar(change);
  const place = h("section", { "aria-label": "Entries" });

  /** @type {HistoryFilter} */
  let filter = {};
  /** @type {ReturnType<typeof historyList> | null} */
  let list = null;

  /** @param {Partial<HistoryFilter>} news */
  function change(news) {
    filter = { ...filter, ...news };
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) if (value) search.set(name, value);
    replaceParameters(search);
    showList();
  }

  /** @param {URLSearchParams} search */
  function read(search) {
    filter = Object.fromEntries(
      ["flightId", "passengerId", "eventType", "stream"].map((name) => [name, search.get(name) ?? ""]),
    );
    showList();
  }

  function showList() {
    list?.stop();
    list = historyList(filter, {
      onPending: (count) => setText(pendingNote, count > 0 ? pendingText(count) : ""),
    });
    list.setPaused(pause.isPaused());
    fill(place, list.element);
    showFilter();
  }

  function showFilter() {
    const subject = subjectOf(filter);
    const title = subject ? `History of ${subject.name}` : "Audit log";
    fill(heading, ...(subject ? ["History of ", bdi(subject.name)] : [title]));
    setTitle(title);
    filters.show(filter, subject);
  }

  container.classList.add("audit-log");
  container.append(
    h("div", { class: "heading" }, heading, pause.note, pause.button),
    filters.element,
    pendingNote,
    place,
  );
  read(parameters);
  const leave = onNames(showFilter);

  return {
    title: heading.textContent ?? "Audit log",
    keys: { [KEYS.pause]: pause.toggle, [KEYS.search]: () => filters.search()?.focus() },
    search: filters.search,
    parametersChanged: read,
    unmount() {
      list?.stop();
      filters.stop();
      pause.stop();
      leave();
    },
  };
}

/** A button that pauses the list, and a note that says how it is. @param {(isPaused: boolean) => void} changed */
function pauseControl(changed) {
  const note = h("p", { class: "heard" });
  const button = h("button", {
    type: "button",
    "aria-pressed": "false",
    "aria-keyshortcuts": KEYS.pause,
    onclick: toggle,
  }, "Pause");
  let isPaused = false;

  function toggle() {
    isPaused = !isPaused;
    button.setAttribute("aria-pressed", String(isPaused));
    setText(button, isPaused ? "Go on" : "Pause");
    show();
    changed(isPaused);
  }

  function show() {
    const { status, heard } = linkState();
    const since = heard ? `last in touch ${timeWithSeconds(heard)}` : "not in touch yet";
    const how = isPaused ? "Paused" : status === "live" ? "Live" : "Connection lost, trying again";
    setText(note, `${how} · ${since}`);
  }

  return { note, button, toggle, isPaused: () => isPaused, stop: onLinkState(show) };
}

/**
 * @typedef {object} Subject Whose history it is.
 * @property {"flight" | "passenger"} kind
 * @property {string} id
 * @property {string} name
 */

/** @param {HistoryFilter} filter @returns {Subject | null} */
function subjectOf({ flightId, passengerId }) {
  const id = passengerId || flightId;
  if (!id) return null;
  const kind = passengerId ? "passenger" : "flight";
  return { kind, id, name: nameOf(kind, id, flightId || id) ?? `a ${kind}` };
}

/** @param {(news: Partial<HistoryFilter>) => void} change */
function filterBar(change) {
  const everything = { flightId: undefined, passengerId: undefined };
  const finder = subjectFinder((chosen) => change({ ...everything, ...chosen }));
  const subjectPlace = h("div", { class: "subject" });
  const stream = select("Stream", [
    ["", "Flights and passengers"],
    ["flights", "Flights"],
    ["passengers", "Passengers"],
  ]);
  const type = select("Event", [["", "Every event"], ...Object.entries(EVENT_TYPES)]);
  stream.input.addEventListener("change", () => change({ stream: /** @type {any} */ (stream.input.value) }));
  type.input.addEventListener("change", () => change({ eventType: type.input.value }));

  /** @param {Subject} subject */
  const subjectParts = ({ kind, id, name }) => [
    h("a", { href: `/${kind}s/${id}` }, "Open ", h("bdi", {}, name)),
    h("button", { type: "button", onclick: () => change(everything) }, "Show everything"),
  ];

  return {
    element: h(
      "div",
      { class: "filters", role: "search", "aria-label": "Entries" },
      finder.element,
      subjectPlace,
      stream.element,
      type.element,
    ),
    /** Where a flight or a passenger is looked for, unless one has been chosen. */
    search: () => (finder.element.hidden ? null : finder.input),
    stop: finder.stop,
    /** @param {HistoryFilter} filter @param {Subject | null} subject */
    show(filter, subject) {
      stream.input.value = filter.stream ?? "";
      type.input.value = filter.eventType ?? "";
      finder.element.hidden = subject !== null;
      fill(subjectPlace, ...(subject ? subjectParts(subject) : []));
    },
  };
}

/** @param {string} label @param {[string, string][]} choices */
function select(label, choices) {
  const id = `select-${label.toLowerCase()}`;
  const input = h("select", { id }, ...choices.map(([value, text]) => h("option", { value }, text)));
  return { input, element: h("div", { class: "field" }, h("label", { for: id }, label), input) };
}

/** @typedef {{text: string, flightId?: string, passengerId?: string}} Found */

/** @param {string} text @param {AbortSignal} signal @returns {Promise<Found[]>} */
async function subjectsCalled(text, signal) {
  const ask = (/** @type {string} */ path) =>
    query(withParameters(path, { text, limit: MOST_FOUND, order: "newestFirst" }), { signal });
  const [flights, passengers] = await Promise.all([ask("/api/flights"), ask("/api/passengers")]);
  return [
    ...flights.body.items.map((/** @type {Flight} */ flight) => ({
      text: `${flight.flightNumber}, ${route(flight)}`,
      flightId: flight.id,
    })),
    ...passengers.body.items.map((/** @type {Passenger} */ { id, name }) => ({
      text: name,
      passengerId: id,
    })),
  ];
}

/**
 * Finds a flight by its number or place, or a passenger by name.
 * @param {(chosen: {flightId?: string, passengerId?: string}) => void} choose
 */
function subjectFinder(choose) {
  const input = h("input", {
    type: "search",
    id: "find-subject",
    autocomplete: "off",
    placeholder: "JB101, LIS or a name",
    "aria-keyshortcuts": KEYS.search,
  });
  const found = h("ul", { class: "found", "aria-label": "Found" });
  const note = h("p", { class: "hint", role: "status" });
  const element = h(
    "div",
    { class: "field finder" },
    h("label", { for: "find-subject" }, "Flight or passenger"),
    input,
    note,
    found,
  );
  let asked = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function find() {
    asked.abort();
    asked = new AbortController();
    const text = input.value.trim();
    if (!text) {
      fill(found);
      setText(note, "");
      return;
    }
    try {
      const choices = await subjectsCalled(text, asked.signal);
      fill(found, ...choices.map(choice));
      setText(note, choices.length === 0 ? "Nothing is called that." : "");
    } catch {
      if (!asked.signal.aborted) setText(note, "Cannot look it up at the moment.");
    }
  }

  /** @param {Found} found */
  const choice = ({ text, ...chosen }) => {
    const onclick = () => {
      input.value = "";
      fill(found);
      choose(chosen);
    };
    return h("li", {}, h("button", { type: "button", onclick }, h("bdi", {}, text)));
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, TYPING_PAUSE_MS);
  });
  return {
    element,
    input,
    stop() {
      clearTimeout(timer);
      asked.abort();
    },
  };
}
