// What is unfinished between the domains: for how long, and how reactions go on that wait for somebody's word.
import { Command } from "../api.js";
import { openDialog } from "../dialogs.js";
import { h, setText } from "../dom.js";
import { ageText, timeElement } from "../format.js";
import { plural } from "../model.js";
import { nameOf } from "../names.js";
import { notify } from "../notices.js";
import { cell, notKnown, operatorsButton, operatorsList, partOf } from "./operators_list.js";

/** @import { Listed } from "./operators_list.js" */

const OTHER_HISTORY = "otherHistory";
/** Longer than that may take. */
const RESUME_LIMIT_MS = 40_000;

/** @type {Record<string, string>} */
const KINDS = {
  [OTHER_HISTORY]: "Does not react: the event store holds another history",
  sealWithoutDeparture: "Sealed, and has not departed",
  landingWithoutArrivals: "Landed, and its passengers have not arrived",
  deletionWithPassengers: "Deleted, and its passengers are not removed",
  completenessNotNoted: "Has not heard whether everybody has boarded",
};

/**
 * @typedef {object} Unfinished
 * @property {string} domain
 * @property {string} reader
 * @property {string} kind
 * @property {string} since
 * @property {string} [flightId]
 * @property {number} [attempts]
 * @property {string} [reason]
 *
 * @typedef {object} Resumed What a domain has done, or why it has not.
 * @property {string} domain
 * @property {boolean} [resumed]
 * @property {string} [detail]
 */

/** A section of the System page. */
export function unfinishedSection() {
  const section = operatorsList({
    id: "unfinished",
    title: "Unfinished between flights and passengers",
    path: "/api/admin/unfinished",
    columns: ["Domain", "What", "Flight", "For", "Reason"],
    keyOf: (/** @type {Unfinished} */ { domain, reader, kind, flightId }) =>
      `${domain} ${reader} ${kind} ${flightId ?? ""}`,
    createRow,
    summary,
    action: operatorsButton("Let reactions go on…", () => {
      askFromWhere(section.look);
      return Promise.resolve();
    }),
    isActionOffered: ({ items }) => items.some(({ kind }) => kind === OTHER_HISTORY),
  });
  return section;
}

/** @param {Listed<unknown>} listed */
export function summary(listed) {
  const missing = notKnown(listed.unreachable, "reactions");
  if (listed.total === 0) return `${missing ? "Nothing is known." : "Nothing."}${missing}`;
  const all = `${plural(listed.total, "thing")} not brought about yet, the oldest of each domain first.`;
  return `${all}${partOf(listed)}${missing}`;
}

/** What has become of it. @param {Resumed[]} domains */
export const outcome = (domains) =>
  domains.map(({ domain, resumed, detail }) =>
    resumed ? `${domain} reacts again.` : `${domain}: ${detail?.replace(/\.?$/, ".")}`
  )
    .join(" ");

/** @param {Unfinished} item */
function createRow({ domain, kind, flightId, since }) {
  const number = h("bdi", {});
  const age = h("span", {});
  const reason = cell();
  const flight = flightId ? h("a", { href: `/audit-log?flightId=${flightId}` }, number) : "all";
  const time = timeElement(since);
  const what = h("th", { scope: "row" }, KINDS[kind] ?? kind);
  return {
    element: h(
      "tr",
      {},
      cell(domain),
      what,
      cell(flight),
      cell(age, h("span", { class: "hint" }, " since ", time)),
      reason,
    ),
    /** @param {Unfinished} news */
    update(news) {
      if (flightId) setText(number, nameOf("flight", flightId, flightId) ?? "a flight");
      setText(age, ageText(news.since));
      const tried = news.attempts ? `Tried ${plural(news.attempts, "time")}: ` : "";
      setText(reason, news.reason ? `${tried}${news.reason}` : "");
    },
  };
}

/** @param {() => Promise<void>} look */
function askFromWhere(look) {
  const choice = (/** @type {string} */ value, /** @type {string} */ text) =>
    h("label", { class: "check" }, h("input", { type: "radio", name: "from", value }), ` ${text}`);
  const from = h(
    "fieldset",
    { class: "field" },
    h("legend", {}, "From where?"),
    choice("beginning", "From the beginning: react to everything once more, which finds done what is done"),
    choice("end", "From the end: take what is there for done"),
  );
  openDialog({
    title: ["Let reactions go on?"],
    body: [
      h(
        "p",
        {},
        `The event store holds another history than the one that was reacted to, as after a backup was put back.
        Look first whether the streams of all domains were restored to the same moment.`,
      ),
      h("p", {}, "This cannot be undone. Parked events of the other history are let go of."),
      from,
    ],
    confirm: "Go on",
    isFinal: true,
    async act() {
      const chosen = from.querySelector("input:checked");
      if (!(chosen instanceof HTMLInputElement)) throw new Error("Choose from where.");
      const body = { from: chosen.value };
      const answer = await new Command("POST", "/api/admin/reactions/resume", body, {
        limitMs: RESUME_LIMIT_MS,
      })
        .send();
      notify(outcome(answer.body));
      await look();
    },
  });
}
