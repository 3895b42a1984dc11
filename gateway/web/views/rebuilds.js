// Read models that are made anew, beside those that are shown: how far that has come, and how it begins.
import { Command } from "../api.js";
import { openDialog } from "../dialogs.js";
import { h, setText } from "../dom.js";
import { timeElement } from "../format.js";
import { plural } from "../model.js";
import { notify } from "../notices.js";
import { cell, notKnown, operatorsButton, operatorsList } from "./operators_list.js";

/** @import { Listed, Unreachable } from "./operators_list.js" */

const PATH = "/api/admin/rebuild";
/** What can be made anew. */
const READ_MODELS = ["flights", "passengers"];

/**
 * @typedef {object} Rebuild The last one of a read model.
 * @property {string} readModel
 * @property {"running" | "done" | "failed"} status
 * @property {number} events
 * @property {number} of
 * @property {number | null} secondsLeft
 * @property {string} [reason]
 * @property {string} askedBy
 * @property {string} askedAt
 * @property {string | null} endedAt
 */

/** A section of the System page. */
export function rebuildsSection() {
  const section = operatorsList({
    id: "rebuilds",
    title: "Rebuilds of read models",
    path: PATH,
    itemsOf: (
      /** @type {{rebuilds: Rebuild[], unreachable: Unreachable[]}} */ { rebuilds, unreachable },
    ) => ({
      items: rebuilds,
      total: rebuilds.length,
      unreachable,
    }),
    columns: ["Read model", "Progress", "How it goes", "Begun"],
    keyOf: ({ readModel, askedAt }) => `${readModel} ${askedAt}`,
    createRow,
    summary,
    action: operatorsButton("Rebuild…", () => {
      askWhich(section.look);
      return Promise.resolve();
    }),
    isActionOffered: ({ items }) => READ_MODELS.some((name) => !isRunning(items, name)),
  });
  return section;
}

/** @param {Rebuild[]} rebuilds @param {string} name */
const isRunning = (rebuilds, name) =>
  rebuilds.some(({ readModel, status }) => readModel === name && status === "running");

/** @param {Listed<Rebuild>} listed */
export function summary({ items, unreachable }) {
  const running = items.filter(({ status }) => status === "running").length;
  const all = running === 0 ? "None is running." : `${plural(running, "read model")} being rebuilt.`;
  return `${all}${notKnown(unreachable, "rebuilds")}`;
}

/** How one goes, in words. @param {Rebuild} rebuild */
export function stateText({ status, events, of, secondsLeft, reason }) {
  if (status === "done") return "Done: it is shown.";
  if (status === "failed") return `Failed; what was shown before still is. ${reason ?? ""}`.trim();
  if (events >= of && of > 0) return "Running: it gets its indexes and catches up.";
  return secondsLeft === null ? "Running." : `Running: ${durationText(secondsLeft)} left.`;
}

/** @param {number} seconds */
function durationText(seconds) {
  if (seconds < 90) return plural(seconds, "second");
  return seconds < 5400
    ? plural(Math.round(seconds / 60), "minute")
    : plural(Math.round(seconds / 3600), "hour");
}

/** @param {Rebuild} rebuild */
function createRow({ readModel, askedBy, askedAt }) {
  const bar = h("progress", { max: 1, "aria-label": `Events of ${readModel}` });
  const count = h("span", { class: "hint" });
  const state = cell();
  return {
    element: h(
      "tr",
      {},
      h("th", { scope: "row" }, readModel),
      cell(bar, " ", count),
      state,
      cell(timeElement(askedAt), h("span", { class: "hint" }, " by ", h("bdi", {}, askedBy))),
    ),
    /** @param {Rebuild} news */
    update(news) {
      bar.value = news.of > 0 ? news.events / news.of : news.status === "done" ? 1 : 0;
      setText(count, `${news.events.toLocaleString()} of ${plural(news.of, "event")}`);
      setText(state, stateText(news));
    },
  };
}

/** @param {() => Promise<void>} look */
function askWhich(look) {
  const choice = (/** @type {string} */ value) =>
    h("label", { class: "check" }, h("input", { type: "radio", name: "readModel", value }), ` ${value}`);
  const which = h("fieldset", { class: "field" }, h("legend", {}, "Which?"), ...READ_MODELS.map(choice));
  openDialog({
    title: ["Rebuild a read model?"],
    body: [
      h(
        "p",
        {},
        `Its rows are written anew from all events, beside those that are shown, and take their place when they are
        complete. Everything goes on meanwhile, somewhat slower; it takes disk space for a second copy.`,
      ),
      which,
    ],
    confirm: "Rebuild",
    isFinal: true,
    async act() {
      const chosen = which.querySelector("input:checked");
      if (!(chosen instanceof HTMLInputElement)) throw new Error("Choose which.");
      await new Command("POST", PATH, { readModel: chosen.value }).send();
      notify(`The read model of ${chosen.value} is being rebuilt.`);
      await look();
    },
  });
}
