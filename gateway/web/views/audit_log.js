// The audit log: everything that happens, as it happens.
import { query, withParameters } from "../api.js";
import { EVENT_TYPES } from "../describe.js";
import { fill, h, setText } from "../dom.js";
import { timeWithSeconds } from "../format.js";
import { historyList, pendingText } from "../history.js";
import { onLinkState } from "../live.js";
import { route } from "../model.js";
import { nameOf, onNames } from "../names.js";
import { replaceParameters } from "../router.js";

/** @import { Context, View } from "../router.js" */
/** @import { HistoryFilter } from "../history.js" */
/** @import { Flight, Passenger } from "../model.js" */

const MOST_FOUND = 6;
const TYPING_PAUSE_MS = 200;

/** @param {Context} context @returns {View} */
export function auditLogView({ container, parameters, setTitle }) {
  const heading = h("h1", {});
  const heard = h("p", { class: "heard" });
  const pauseButton = h(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      "aria-keyshortcuts": "p",
      onclick: () => setPaused(!isPaused),
    },
    "Pause",
  );
  const pendingNote = h("p", { class: "pending", role: "status" });
  const stream = select("Stream", [["", "Flights and passengers"], ["flights", "Flights"], [
    "passengers",
    "Passengers",
  ]]);
  const type = select("Event", [["", "Every event"], ...Object.entries(EVENT_TYPES)]);
  const subject = h("div", { class: "subject" });
  const finder = subjectFinder((chosen) =>
    change({ flightId: undefined, passengerId: undefined, ...chosen })
  );
  const place = h("section", { "aria-label": "Entries" });

  /** @type {HistoryFilter} */
  let filter = {};
  /** @type {ReturnType<typeof historyList> | null} */
  let list = null;
  let isPaused = false;

  /** @param {boolean} paused */
  function setPaused(paused) {
    isPaused = paused;
    list?.setPaused(paused);
    pauseButton.setAttribute("aria-pressed", String(paused));
    setText(pauseButton, paused ? "Go on" : "Pause");
    showState();
  }

  let state = /** @type {import("../live.js").LinkState | null} */ (null);
  function showState() {
    const since = state?.heard ? `last in touch ${timeWithSeconds(state.heard)}` : "not in touch yet";
    const how = isPaused ? "Paused" : state?.status === "live" ? "Live" : "Connection lost, trying again";
    setText(heard, `${how} · ${since}`);
  }

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
    setPaused(isPaused);
    fill(place, list.element);
    stream.input.value = filter.stream ?? "";
    type.input.value = filter.eventType ?? "";
    showSubject();
  }

  function showSubject() {
    const id = filter.passengerId || filter.flightId;
    const kind = filter.passengerId ? "passenger" : "flight";
    const name = id ? nameOf(kind, id, filter.flightId || id) ?? `a ${kind}` : null;
    const title = name ? `History of ${name}` : "Audit log";
    setText(heading, title);
    setTitle(title);
    finder.element.hidden = Boolean(id);
    fill(
      subject,
      id && h("a", { href: `/${kind}s/${id}` }, "Open ", h("bdi", {}, name)),
      id && h(
        "button",
        { type: "button", onclick: () => change({ flightId: undefined, passengerId: undefined }) },
        "Show everything",
      ),
    );
  }

  stream.input.addEventListener("change", () => change({ stream: /** @type {any} */ (stream.input.value) }));
  type.input.addEventListener("change", () => change({ eventType: type.input.value }));
  container.classList.add("audit-log");
  container.append(
    h("div", { class: "heading" }, heading, heard, pauseButton),
    h(
      "div",
      { class: "filters", role: "search", "aria-label": "Entries" },
      finder.element,
      subject,
      stream.element,
      type.element,
    ),
    pendingNote,
    place,
  );
  read(parameters);
  const leave = [
    onLinkState((next) => {
      state = next;
      showState();
    }),
    onNames(showSubject),
  ];

  return {
    title: heading.textContent ?? "Audit log",
    keys: { p: () => setPaused(!isPaused), "/": () => finder.input.focus() },
    parametersChanged: read,
    unmount() {
      list?.stop();
      finder.stop();
      for (const end of leave) end();
    },
  };
}

/** @param {string} label @param {[string, string][]} choices */
function select(label, choices) {
  const id = `select-${label.toLowerCase()}`;
  const input = h("select", { id }, ...choices.map(([value, text]) => h("option", { value }, text)));
  return { input, element: h("div", { class: "field" }, h("label", { for: id }, label), input) };
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
    "aria-keyshortcuts": "/",
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
      const ask = (/** @type {string} */ path) =>
        query(withParameters(path, { text, limit: MOST_FOUND, order: "newestFirst" }), {
          signal: asked.signal,
        });
      const [flights, passengers] = await Promise.all([ask("/api/flights"), ask("/api/passengers")]);
      const choices = [
        ...flights.body.items.map((/** @type {Flight} */ flight) =>
          choice(`${flight.flightNumber}, ${route(flight)}`, { flightId: flight.id })
        ),
        ...passengers.body.items.map((/** @type {Passenger} */ passenger) =>
          choice(passenger.name, { passengerId: passenger.id })
        ),
      ];
      fill(found, ...choices);
      setText(note, choices.length === 0 ? "Nothing is called that." : "");
    } catch {
      if (!asked.signal.aborted) setText(note, "Cannot look it up at the moment.");
    }
  }

  /** @param {string} text @param {{flightId?: string, passengerId?: string}} chosen */
  const choice = (text, chosen) =>
    h(
      "li",
      {},
      h("button", {
        type: "button",
        onclick: () => {
          input.value = "";
          fill(found);
          choose(chosen);
        },
      }, h("bdi", {}, text)),
    );

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
