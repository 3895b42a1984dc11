// The events that could not be processed: what they are, and what can be done about them.
import { Command } from "../api.js";
import { field, openDialog } from "../dialogs.js";
import { h, keyedList, setText } from "../dom.js";
import { timeElement } from "../format.js";
import { plural } from "../model.js";
import { notify, notifyError } from "../notices.js";

const PATH = "/api/admin/parked";
const MOST_SHOWN = 100;
const REASON_LENGTH = 500;
/** Longer than a replay may take. */
const REPLAY_LIMIT_MS = 40_000;

/**
 * @typedef {object} ParkedEvent
 * @property {string} domain
 * @property {string} reader
 * @property {number} eventNumber
 * @property {string} eventId
 * @property {string} eventType
 * @property {string} reason
 * @property {string} parkedAt
 *
 * @typedef {{domain: string, detail: string}} Unreachable
 *
 * @typedef {object} ReaderReplay What a reader has done, or why it has not.
 * @property {string} domain
 * @property {string} [reader]
 * @property {number} [replayed]
 * @property {number} [stillParked]
 * @property {number} [beyondLimit]
 * @property {string} [detail]
 */

/** A section of the System page. `look` reads anew what is parked. */
export function parkedSection() {
  const note = h("p", { role: "status" });
  const replay = h("button", { type: "button", onclick: () => void replayAll() }, "Replay all");
  const rows = h("tbody", {});
  const columns = ["Domain", "Reader", "Event", "Since", "Reason"];
  const table = h(
    "table",
    { "aria-labelledby": "parked" },
    h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)), h("td", {}))),
    rows,
  );
  const scroll = h(
    "div",
    { class: "parked", tabindex: 0, role: "group", "aria-labelledby": "parked" },
    table,
  );
  const list = keyedList(rows, placeOf, (event) => createRow(event, look));
  const actions = h("div", { class: "actions" }, replay);
  const element = h(
    "section",
    { "aria-labelledby": "parked" },
    h("h2", { id: "parked" }, "Parked events"),
    note,
    scroll,
    actions,
  );
  show([], 0, "");

  /** @param {ParkedEvent[]} items @param {number} total @param {string} text */
  function show(items, total, text) {
    list.update(items);
    scroll.hidden = items.length === 0;
    actions.hidden = total === 0;
    setText(note, text);
  }

  /** @param {AbortSignal} [signal] */
  async function look(signal) {
    const response = await fetch(`${PATH}?limit=${MOST_SHOWN}`, { signal, cache: "no-store" });
    const body = await response.json();
    if (response.ok) show(body.items, body.total, summary(body.items.length, body.total, body.unreachable));
    else show([], 0, body.detail ?? "What is parked cannot be found out.");
  }

  async function replayAll() {
    if (replay.disabled) return;
    replay.disabled = true;
    try {
      const { body } = await new Command("POST", `${PATH}/replay`, undefined, { limitMs: REPLAY_LIMIT_MS })
        .send();
      notify(outcome(body));
      await look();
    } catch (error) {
      notifyError(error, "Not replayed");
    } finally {
      replay.disabled = false;
    }
  }

  return { element, look };
}

/** @param {ParkedEvent} event */
const placeOf = ({ domain, reader, eventNumber }) => `${domain} ${reader} ${eventNumber}`;

/** @param {number} shown @param {number} total @param {Unreachable[]} unreachable */
export function summary(shown, total, unreachable) {
  const missing = unreachable.map(({ domain, detail }) => ` Of ${domain} events it is not known: ${detail}.`)
    .join("");
  if (total === 0) return `${missing ? "None is known." : "None: every event could be processed."}${missing}`;
  const all = `${
    plural(total, "event")
  } parked: each could not be processed, or comes after one that could not.`;
  const part = shown < total ? ` The first ${shown} are shown.` : "";
  return `${all}${part}${missing}`;
}

/** What has become of a replay. @param {ReaderReplay[]} readers */
export function outcome(readers) {
  const sum = (/** @type {"replayed" | "stillParked" | "beyondLimit"} */ name) =>
    readers.reduce((total, reader) => total + (reader[name] ?? 0), 0);
  const [still, left] = [sum("stillParked"), sum("beyondLimit")];
  const failed = readers.filter(({ detail }) => detail)
    .map(({ domain, reader, detail }) => ` ${reader ?? domain}: ${detail}.`);
  return [
    `${plural(sum("replayed"), "event")} processed.`,
    still > 0 ? ` Still parked: ${still}.` : "",
    left > 0 ? ` Not tried yet: ${left}.` : "",
    ...failed,
  ].join("");
}

/** @param {ParkedEvent} event @param {() => Promise<void>} look */
function createRow(event, look) {
  const reason = h("td", {});
  const discard = h(
    "button",
    {
      type: "button",
      "aria-label": `Discard event ${event.eventNumber}…`,
      onclick: () => discardEvent(event, look),
    },
    "Discard…",
  );
  const element = h(
    "tr",
    {},
    h("td", {}, event.domain),
    h("td", {}, event.reader),
    h("th", { scope: "row" }, `${event.eventNumber} `, h("bdi", {}, event.eventType)),
    h("td", {}, timeElement(event.parkedAt)),
    reason,
    h("td", {}, discard),
  );
  return {
    element,
    /** @param {ParkedEvent} news */
    update: (news) => setText(reason, news.reason),
  };
}

/** @param {ParkedEvent} event @param {() => Promise<void>} look */
function discardEvent({ domain, eventNumber, eventId, eventType }, look) {
  const reason = field(
    "reason",
    "Reason",
    { maxlength: REASON_LENGTH },
    "Kept with the event, for other operators; without personal details",
  );
  openDialog({
    title: `Discard event ${eventNumber}?`,
    body: [
      h(
        "p",
        {},
        h("bdi", {}, eventType),
        ` of the ${domain} domain is not processed, now or later: what it says is not shown, and
        nothing follows from it. What waits behind it stays parked until it is replayed.`,
      ),
      h("p", {}, "This cannot be undone. The event itself stays in the event store and in the audit log."),
      reason.element,
    ],
    confirm: "Discard",
    isGrave: true,
    async act() {
      await new Command("POST", `${PATH}/${eventId}/discard`, { reason: reason.input.value }).send();
      notify(`Event ${eventNumber} was discarded.`);
      await look();
    },
  });
}
