// Entries of the audit log as a list that people can read: the newest first, growing at both ends.
import { pause, Problem, query, withParameters } from "./api.js";
import { actorOf, describe } from "./describe.js";
import { fill, h, keyedList, setText } from "./dom.js";
import { timeElement } from "./format.js";
import { connected, onChanges, onReset } from "./live.js";
import { plural } from "./model.js";
import { learnFromEntries, nameOf, onNames } from "./names.js";
import { messageOf } from "./notices.js";

/** @import { Change, Entry } from "./model.js" */

const PAGE = 50;
/** A page that is open all day does not grow for ever. */
const MOST_SHOWN = 2_000;
/** How long to wait before what has just happened is asked for again. */
const RETRY_MS = 1_000;
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

/** The entries that fit a filter, as far as they have been read: each once, the newest first. */
class Entries {
  /** @type {Entry[]} */
  shown = [];
  /** What has come while the list was paused. @type {Entry[]} */
  pending = [];
  /** Where the older ones begin; `null` if there are none or none are wanted. @type {string | null} */
  older = null;
  /** Where the newer ones begin, once some have come. @type {string | null} */
  newer = null;
  #keys = new Set();
  #filter;

  /** @param {HistoryFilter} filter */
  constructor(filter) {
    this.#filter = filter;
  }

  /**
   * Reads newer ones, up to one that has just happened, and tells whether any of them are wanted.
   * @param {string} position That of the one that has just happened.
   * @param {AbortSignal} signal @param {boolean} isPaused
   */
  async readNewer(position, signal, isPaused) {
    const { flightId, passengerId, eventType } = this.#filter;
    let hasNews = false;
    for (;;) {
      const before = this.newer;
      // In all of them, since the cursor is of that list.
      const parameters = { flightId, passengerId, eventType, limit: PAGE, after: before };
      const { body } = await query(withParameters("/api/auditlog/all", parameters), { signal });
      learnFromEntries(body.items, { isNews: true });
      hasNews = this.#receive(body.items, isPaused) || hasNews;
      this.newer = body.next;
      const isThere = body.items.some((/** @type {Entry} */ entry) => entry.position === position);
      if (isThere || body.next === before) return hasNews;
    }
  }

  /** Reads older ones until there is about a page of them. @param {AbortSignal} signal @param {() => void} progressed */
  async readOlder(signal, progressed) {
    const { stream, flightId, passengerId, eventType } = this.#filter;
    const wanted = this.shown.length + PAGE / 2;
    for (let answers = 0; answers < MOST_EMPTY_ANSWERS && this.shown.length < wanted; answers++) {
      const path = withParameters(`/api/auditlog/${stream || "all"}`, {
        flightId,
        passengerId,
        eventType,
        order: "newestFirst",
        limit: PAGE,
        after: this.older,
      });
      const { body } = await query(path, { signal });
      learnFromEntries(body.items);
      this.shown = [...this.shown, ...this.#unknown(body.items)];
      this.older = hasBegun(this.#filter, body.items) ? null : body.next;
      if (this.older === null) return;
      progressed();
    }
  }

  /** The last of these that is wanted. @param {Change[]} changes */
  lastWanted(changes) {
    return changes.findLast(({ stream, type, flightId, passengerId }) =>
      matches(this.#filter, { stream, type, flightId, passengerId })
    );
  }

  /** Takes what has just happened, and tells whether any of it is wanted. @param {Entry[]} news @param {boolean} isPaused */
  #receive(news, isPaused) {
    const isWanted = (/** @type {Entry} */ { stream, eventType, data }) =>
      matches(this.#filter, {
        stream,
        type: eventType,
        flightId: data?.flightId,
        passengerId: data?.passengerId,
      });
    const wanted = this.#unknown(news.filter(isWanted)).reverse();
    if (isPaused) this.pending = [...wanted, ...this.pending].slice(0, MOST_SHOWN);
    else this.shown = [...wanted, ...this.shown];
    return wanted.length > 0;
  }

  /** Shows what is pending. */
  release() {
    this.shown = [...this.pending, ...this.shown];
    this.pending = [];
  }

  /** Forgets the oldest ones if there are too many. */
  limit() {
    if (this.shown.length <= MOST_SHOWN) return;
    this.shown = this.shown.slice(0, MOST_SHOWN);
    this.#keys = new Set(this.shown.map(keyOf));
    this.older = null;
  }

  clear() {
    this.shown = [];
    this.pending = [];
    this.older = null;
    this.newer = null;
    this.#keys = new Set();
  }

  /** @param {Entry[]} some */
  #unknown(some) {
    return some.filter((entry) => {
      const isNew = !this.#keys.has(keyOf(entry));
      this.#keys.add(keyOf(entry));
      return isNew;
    });
  }
}

/** @param {HistoryFilter} filter @param {Entry[]} entries */
function hasBegun(filter, entries) {
  return entries.some((entry) => {
    const about = Object.hasOwn(BEGINNINGS, entry.eventType) ? BEGINNINGS[entry.eventType] : undefined;
    return about === "passengerId"
      ? Boolean(filter.passengerId)
      : about === "flightId" && Boolean(filter.flightId);
  });
}

/** @param {HistoryFilter} filter @param {Pick<Change, "stream" | "type" | "flightId" | "passengerId">} event */
function matches(filter, { stream, type, flightId, passengerId }) {
  return (!filter.stream || filter.stream === (stream === "flight-stream" ? "flights" : "passengers")) &&
    (!filter.eventType || filter.eventType === type) &&
    (!filter.flightId || filter.flightId === flightId) &&
    (!filter.passengerId || filter.passengerId === passengerId);
}

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
  const rows = keyedList(list, keyOf, createRow);
  const stop = new AbortController();
  const entries = new Entries(filter);
  let isPaused = false;
  let isLoading = false;

  function show() {
    entries.limit();
    rows.update(entries.shown);
    more.hidden = entries.older === null || isLoading;
    setText(note, isLoading ? "Reading …" : noteFor(entries));
  }

  async function loadOlder() {
    if (isLoading) return;
    isLoading = true;
    show();
    let failure = null;
    try {
      await entries.readOlder(stop.signal, show);
    } catch (error) {
      if (stop.signal.aborted) return;
      failure = `The audit log could not be read: ${messageOf(error)}`;
    }
    isLoading = false;
    setText(more, failure === null ? "Show older entries" : "Try again");
    show();
    if (failure === null) return;
    setText(note, failure);
    more.hidden = false;
  }

  async function start() {
    // Whatever is not on the first page is told by the live connection then.
    await connected();
    if (!stop.signal.aborted) await loadOlder();
  }

  const leave = [
    onChanges(newsReader(entries, stop.signal, {
      isPaused: () => isPaused,
      came: () => {
        if (isPaused) onPending(entries.pending.length);
        else show();
      },
    })),
    onNames(() => tellNames(list)),
    onReset(() => {
      entries.clear();
      void loadOlder();
    }),
  ];
  void start();

  return {
    element: h("div", {}, list, note, more),
    /** @param {boolean} paused */
    setPaused(paused) {
      isPaused = paused;
      if (paused) return;
      entries.release();
      onPending(0);
      show();
    },
    stop() {
      stop.abort();
      for (const end of leave) end();
    },
  };
}

/**
 * Reads what has just happened, one question at a time.
 * @param {Entries} entries @param {AbortSignal} signal Ends it.
 * @param {{isPaused: () => boolean, came: () => void}} options Told when something has come that is wanted.
 * @returns {(changes: Change[], before: string | null) => void} To be told of changes.
 */
function newsReader(entries, signal, { isPaused, came }) {
  /** The position of the newest one, until it has been read. @type {string | null} */
  let news = null;
  let isReading = false;

  async function read() {
    if (isReading) return;
    isReading = true;
    while (news !== null && !signal.aborted) {
      const position = news;
      news = null;
      try {
        if (await entries.readNewer(position, signal, isPaused())) came();
      } catch (error) {
        if (signal.aborted || isNotAllowed(error)) break;
        news ??= position;
        await pause(RETRY_MS);
      }
    }
    isReading = false;
  }

  return (changes, before) => {
    const last = entries.lastWanted(changes);
    if (!last) return;
    entries.newer ??= before;
    if (entries.newer === null) return;
    news = last.position;
    void read();
  };
}

/** @param {unknown} error */
const isNotAllowed = (error) => error instanceof Problem && error.slug === "not-allowed";

/** @param {Entries} entries */
function noteFor({ shown, older }) {
  if (shown.length >= MOST_SHOWN) return `Only the newest ${MOST_SHOWN} entries are shown.`;
  if (older !== null) return "";
  return shown.length === 0 ? "Nothing has happened yet." : "This is where it begins.";
}

/** Names have been found: sentences that lack some are told anew. @param {Element} list */
function tellNames(list) {
  for (const sentence of list.querySelectorAll(".sentence[data-nameless]")) {
    sentence.dispatchEvent(new Event("names"));
  }
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
