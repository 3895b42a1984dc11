// How each process is set. Secrets do not get here.
import { fill, h, keyedList, setText } from "../dom.js";
import { timeElement } from "../format.js";
import { cell } from "./operators_list.js";

const PATH = "/api/admin/configuration";
/** How often it is asked for: it changes with a restart only. */
const INTERVAL_MS = 30_000;

/**
 * @typedef {{service: string, address: string | null}} Place
 *
 * @typedef {object} Setting
 * @property {string} name
 * @property {string | null} value
 * @property {"default" | "variable" | "commandLine" | null} source
 *
 * @typedef {object} Process
 * @property {string} process
 * @property {string} version
 * @property {string} startedAt
 * @property {Place[]} instances
 * @property {Setting[]} settings
 */

const SOURCE = { default: "unless set", variable: "a variable", commandLine: "the command line" };

/** A section of the System page. */
export function configurationSection() {
  const note = h("p", { class: "hint" });
  const list = h("div", {});
  const processes = keyedList(list, (/** @type {Process} */ { process }) => process, createProcess);
  const element = h(
    "section",
    { "aria-labelledby": "configuration" },
    h("h2", { id: "configuration" }, "Configuration"),
    note,
    list,
  );
  let asked = -Infinity;

  /** @param {AbortSignal} [signal] */
  async function look(signal) {
    if (performance.now() - asked < INTERVAL_MS) return;
    const response = await fetch(PATH, { signal, cache: "no-store" });
    if (!response.ok) throw new Error("It cannot be found out.");
    /** @type {{processes: Process[], unreachable: (Place & {detail: string})[]}} */
    const all = await response.json();
    asked = performance.now();
    processes.update(all.processes);
    setText(note, ["Without secrets.", ...all.unreachable.map(notTold)].join(" "));
  }

  return { element, look };
}

/** @param {Place & {detail: string}} place */
const notTold = ({ service, address, detail }) => `Of ${service} at ${address} it is not known: ${detail}.`;

/** What a process is, in words. @param {Place[]} instances */
export const processName = (instances) =>
  instances.map(({ service, address }) => (address ? `${service} at ${address}` : service)).join(", ");

/** @param {Process} process */
function createProcess({ version, startedAt }) {
  const name = h("summary", {});
  const rows = h("tbody", {});
  const head = ["Setting", "Value", "Set by"].map((title) => h("th", { scope: "col" }, title));
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...head)), rows);
  const scroll = h("div", { class: "listed", tabindex: 0, role: "group", "aria-label": "Settings" }, table);
  const about = h("p", { class: "hint" }, `Version ${version}, running since `, timeElement(startedAt), ".");
  return {
    element: h("details", { class: "process" }, name, about, scroll),
    /** @param {Process} news */
    update({ instances, settings }) {
      setText(name, processName(instances));
      fill(rows, ...settings.map(settingRow));
    },
  };
}

/** @param {Setting} setting */
const settingRow = ({ name, value, source }) =>
  h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, name)),
    cell(value ?? ""),
    cell(source ? SOURCE[source] : "not set"),
  );
