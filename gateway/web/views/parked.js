// The events that could not be processed: what they are, and what can be done about them.
import { Command, query } from "../api.js";
import { field, openDialog } from "../dialogs.js";
import { h, setText } from "../dom.js";
import { timeElement } from "../format.js";
import { plural } from "../model.js";
import { notify, notifyError } from "../notices.js";
import { cell, notKnown, operatorsButton, operatorsList, partOf } from "./operators_list.js";

/** @import { Listed } from "./operators_list.js" */

const PATH = "/api/admin/parked";
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
 * @typedef {object} ReaderReplay What a reader has done, or why it has not.
 * @property {string} domain
 * @property {string} [reader]
 * @property {number} [replayed]
 * @property {number} [stillParked]
 * @property {number} [beyondLimit]
 * @property {string} [detail]
 */

/** A section of the System page. */
export function parkedSection() {
  const section = operatorsList({
    id: "parked",
    title: "Parked events",
    path: PATH,
    columns: ["Domain", "Reader", "Event", "Since", "Reason", ""],
    keyOf: (/** @type {ParkedEvent} */ { domain, reader, eventNumber }) =>
      `${domain} ${reader} ${eventNumber}`,
    createRow,
    summary,
    action: operatorsButton("Replay all", replayAll),
    isActionOffered: ({ total }) => total > 0,
  });

  async function replayAll() {
    try {
      const { body } = await new Command("POST", `${PATH}/replay`, undefined, { limitMs: REPLAY_LIMIT_MS })
        .send();
      notify(outcome(body));
      await section.look();
    } catch (error) {
      notifyError(error, "Not replayed");
    }
  }

  return section;
}

/** @param {Listed<unknown>} listed */
export function summary(listed) {
  const missing = notKnown(listed.unreachable, "events");
  if (listed.total === 0) {
    return `${missing ? "None is known." : "None: every event could be processed."}${missing}`;
  }
  const all = `${
    plural(listed.total, "event")
  } parked: each could not be processed, or comes after one that could not.`;
  return `${all}${partOf(listed)}${missing}`;
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
  const reason = cell();
  const discard = h(
    "button",
    {
      type: "button",
      "data-acts": true,
      "aria-label": `Discard event ${event.eventNumber}…`,
      onclick: () => discardEvent(event, look),
    },
    "Discard…",
  );
  const show = h(
    "button",
    { type: "button", "aria-label": `Show event ${event.eventNumber}…`, onclick: () => showEvent(event) },
    "Show…",
  );
  const element = h(
    "tr",
    {},
    cell(event.domain),
    cell(event.reader),
    h("th", { scope: "row" }, `${event.eventNumber} `, h("bdi", {}, event.eventType)),
    cell(timeElement(event.parkedAt)),
    reason,
    cell(h("div", { class: "actions" }, show, discard)),
  );
  return {
    element,
    /** @param {ParkedEvent} news */
    update: (news) => setText(reason, news.reason),
  };
}

/** What is stored of it. @param {ParkedEvent} event */
async function showEvent({ eventNumber, eventId, eventType, reason }) {
  try {
    const { body } = await query(`${PATH}/${eventId}`);
    openDialog({
      title: [`Event ${eventNumber}`],
      body: [
        h("p", {}, h("bdi", {}, eventType), `: ${reason}`),
        ...["data", "metadata"].flatMap((part) => [
          h("h3", {}, part === "data" ? "Data" : "Metadata"),
          h("pre", { tabindex: 0, "aria-label": part }, storedText(body[part])),
        ]),
      ],
      cancel: "Close",
    });
  } catch (error) {
    notifyError(error, "Not shown");
  }
}

/** As it is stored, or in lines if it is JSON. @param {unknown} stored */
export function storedText(stored) {
  if (stored === "") return "Nothing is stored.";
  return typeof stored === "string" ? stored : JSON.stringify(stored, null, 2);
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
    title: [`Discard event ${eventNumber}?`],
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
