// Entries of the audit log as a list that people can read: the newest first, growing at both ends.
import { query, withParameters } from "./api.js";
import { actorOf, describe } from "./describe.js";
import { fill, h, keyedList, setText } from "./dom.js";
import { timeElement } from "./format.js";
import { connected, onEntries, onReset } from "./live.js";
import { plural } from "./model.js";
import { learnFromEntries, nameOf, onNames } from "./names.js";
import { messageOf } from "./notices.js";

/** @import { Entry } from "./model.js" */

const PAGE = 50;
/** A page that is open all day does not grow for ever. */
const MOST_SHOWN = 2_000;
/** So many answers without a match in a row, each over ten thousand events, until one is asked whether to go on. */
const MOST_EMPTY_ANSWERS = 10;

/**
 * What is wanted; empty for everything.
 * @typedef {object} HistoryFilter
 * @property {string} [flightId]
 * @property {string} [passengerId]
 * @property {string} [eventType]
 * @property {"" | "flights" | "passengers"} [stream]
 */

/** With these everything began. @type {Record<string, "flightId" | "passengerId">} */
const BEGINNINGS = { FlightCreated: "flightId", PassengerCheckedIn: "passengerId" };

const keyOf = (/** @type {Entry} */ entry) => `${entry.stream} ${entry.eventNumber}`;

/**
 * @param {HistoryFilter} filter
 * @param {{onPending?: (count: number) => void}} [options] Told how many wait while the list is paused.
 */
export function historyList(filter, { onPending = () => {} } = {}) {
  const list = h("ol", { class: "history" });
  const note = h("p", { class: "hint", role: "status" });
  const more = h(
    "button",
    { type: "button", hidden: true, onclick: () => void loadOlder() },
    "Show older entries",
  );
  const element = h("div", {}, list, note, more);
  const rows = keyedList(list, keyOf, createRow);
  const stop = new AbortController();

  /** @type {Entry[]} */
  let entries = [];
  /** @type {Entry[]} */
  let pending = [];
  let isPaused = false;
  /** @type {string | null} */
  let older = null;
  let isLoading = false;
  let keys = new Set();

  function show() {
    if (entries.length > MOST_SHOWN) {
      entries = entries.slice(0, MOST_SHOWN);
      keys = new Set(entries.map(keyOf));
      older = null;
    }
    rows.update(entries);
    more.hidden = older === null || isLoading;
    if (isLoading) setText(note, "Reading …");
    else if (entries.length >= MOST_SHOWN) setText(note, `Only the newest ${MOST_SHOWN} entries are shown.`);
    else if (older !== null) setText(note, "");
    else setText(note, entries.length === 0 ? "Nothing has happened yet." : "This is where it begins.");
  }

  /** @param {Entry[]} some */
  const unknown = (some) =>
    some.filter((entry) => {
      const isNew = !keys.has(keyOf(entry));
      keys.add(keyOf(entry));
      return isNew;
    });

  async function loadOlder() {
    if (isLoading) return;
    isLoading = true;
    show();
    try {
      await loadPages();
    } catch (error) {
      if (stop.signal.aborted) return;
      isLoading = false;
      show();
      setText(note, `The audit log could not be read: ${messageOf(error)}`);
      more.hidden = false;
      setText(more, "Try again");
      return;
    }
    isLoading = false;
    setText(more, "Show older entries");
    show();
  }

  async function loadPages() {
    const found = entries.length;
    for (let answers = 0; answers < MOST_EMPTY_ANSWERS && entries.length < found + PAGE / 2; answers++) {
      const { body } = await query(
        withParameters(`/api/auditlog/${filter.stream || "all"}`, {
          flightId: filter.flightId,
          passengerId: filter.passengerId,
          eventType: filter.eventType,
          order: "newestFirst",
          limit: PAGE,
          after: older,
        }),
        { signal: stop.signal },
      );
      learnFromEntries(body.items);
      entries = [...entries, ...unknown(body.items)];
      older = hasBegun(body.items) ? null : body.next;
      if (older === null) return;
      show();
    }
  }

  /** @param {Entry[]} some */
  const hasBegun = (some) =>
    some.some((entry) => {
      const about = Object.hasOwn(BEGINNINGS, entry.eventType) ? BEGINNINGS[entry.eventType] : undefined;
      return about === "passengerId"
        ? Boolean(filter.passengerId)
        : about === "flightId" && Boolean(filter.flightId);
    });

  /** @param {Entry} entry */
  function matches(entry) {
    const stream = entry.stream === "flight-stream" ? "flights" : "passengers";
    return (!filter.stream || filter.stream === stream) &&
      (!filter.eventType || filter.eventType === entry.eventType) &&
      (!filter.flightId || filter.flightId === entry.data?.flightId) &&
      (!filter.passengerId || filter.passengerId === entry.data?.passengerId);
  }

  async function start() {
    // Whatever is not on the first page is told by the live connection then.
    await connected();
    if (!stop.signal.aborted) await loadOlder();
  }

  const leave = [
    onEntries((news) => {
      const wanted = unknown(news.filter(matches)).reverse();
      if (wanted.length === 0) return;
      if (isPaused) {
        pending = [...wanted, ...pending].slice(0, MOST_SHOWN);
        onPending(pending.length);
      } else {
        entries = [...wanted, ...entries];
        show();
      }
    }),
    onNames(() => {
      for (const sentence of list.querySelectorAll(".sentence[data-nameless]")) {
        sentence.dispatchEvent(new Event("names"));
      }
    }),
    onReset(() => {
      entries = [];
      pending = [];
      keys = new Set();
      older = null;
      void loadOlder();
    }),
  ];
  void start();

  return {
    element,
    /** @param {boolean} paused */
    setPaused(paused) {
      isPaused = paused;
      if (paused) return;
      entries = [...pending, ...entries];
      pending = [];
      onPending(0);
      show();
    },
    stop() {
      stop.abort();
      for (const end of leave) end();
    },
  };
}

function createRow() {
  const time = h("span", { class: "when" });
  const sentence = h("p", { class: "sentence" });
  const actor = h("span", { class: "actor" });
  const raw = h("pre", { hidden: true, tabindex: "0", "aria-label": "Raw event" });
  /** @type {Entry} */
  let shown;
  const toggle = h("button", {
    type: "button",
    class: "quiet raw",
    "aria-expanded": "false",
    onclick: () => {
      raw.hidden = !raw.hidden;
      toggle.setAttribute("aria-expanded", String(!raw.hidden));
      if (!raw.hidden) setText(raw, JSON.stringify(shown, null, 2));
    },
  }, "Raw");
  const tell = () => {
    const { pieces, isComplete } = piecesOf(shown);
    fill(sentence, ...pieces);
    if (isComplete) delete sentence.dataset.nameless;
    else sentence.dataset.nameless = "";
  };
  sentence.addEventListener("names", tell);
  return {
    element: h("li", {}, time, sentence, actor, toggle, raw),
    /** @param {Entry} entry */
    update(entry) {
      shown = entry;
      fill(time, timeElement(entry.created, { seconds: true }));
      const by = actorOf(entry);
      setText(actor, by ? `by ${by}` : "");
      tell();
    },
  };
}

/** @param {Entry} entry */
function piecesOf(entry) {
  let isComplete = true;
  const pieces = describe(entry).map((part, at) => {
    if (typeof part === "string") return part;
    if ("text" in part) return h("bdi", {}, part.text);
    const name = nameOf(part.kind, part.id, String(entry.data.flightId));
    if (name !== null) {
      const path = part.kind === "flight" ? "/flights/" : "/passengers/";
      return h("a", { href: path + part.id }, h("bdi", {}, name));
    }
    isComplete = false;
    return `${at === 0 ? "A" : "a"} ${part.kind}`;
  });
  return { pieces, isComplete };
}

/** @param {number} count */
export const pendingText = (count) => plural(count, "new entry", "new entries");
