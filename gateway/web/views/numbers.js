// The instances of all services, and what they have measured in the last 15 minutes.
import { chart, inSteps, numberText, rates, together } from "../chart.js";
import { h, keyedList, setText } from "../dom.js";
import { timeElement } from "../format.js";
import { cell } from "./operators_list.js";

/** @import { Samples, Unit, Values } from "../chart.js" */

const PATH = "/api/admin/numbers";
/** How often it is asked for: services measure every five seconds. */
const INTERVAL_MS = 4_500;
const REQUESTS = "jetbridge_http_requests_total";

/**
 * @typedef {object} Series
 * @property {string} metric
 * @property {string} of
 * @property {Values} values
 *
 * @typedef {object} Instance
 * @property {string | null} address `null` for the gateway that answers.
 * @property {boolean} inUse
 * @property {boolean} leftOut
 * @property {string | null} since
 * @property {number} ejections
 * @property {string} [process]
 * @property {string} [version]
 * @property {string} [startedAt]
 * @property {number[]} [ages]
 * @property {Series[]} [series]
 * @property {string} [detail] Why it says nothing.
 *
 * @typedef {{service: string, instances: Instance[]}} Service
 *
 * @typedef {Instance & {service: string, key: string}} Row
 *
 * @typedef {object} Kind What is shown of a metric.
 * @property {(of: string) => string} title
 * @property {Unit} unit
 * @property {boolean} isCounted
 * @property {"sum" | "max"} how What several instances say together.
 */

const RATE = { one: "a second", many: "a second" };

/** What is shown, in this order. @type {Record<string, Kind>} */
const KINDS = {
  [REQUESTS]: { title: (of) => `Requests to ${of}`, unit: RATE, isCounted: true, how: "sum" },
  jetbridge_executor_commands_total: {
    title: (of) => `Commands on ${of}`,
    unit: RATE,
    isCounted: true,
    how: "sum",
  },
  jetbridge_reader_events_total: {
    title: (of) => `Events through ${of}`,
    unit: RATE,
    isCounted: true,
    how: "sum",
  },
  jetbridge_reader_lag_events: {
    title: (of) => `Lag of ${of}, events`,
    unit: { one: "event", many: "events" },
    isCounted: false,
    how: "max",
  },
  jetbridge_reader_lag_seconds: {
    title: (of) => `Lag of ${of}, time`,
    unit: { one: "second", many: "seconds" },
    isCounted: false,
    how: "max",
  },
};
/** Requests are shown of this service; the table has those of all. */
const FRONT = "gateway";

/** Two parts of the System page. `look` reads them anew. */
export function numbersSection() {
  const note = h("p", { class: "hint" });
  const rows = h("tbody", {});
  const instances = keyedList(rows, (/** @type {Row} */ { key }) => key, createRow);
  const charts = h("div", { class: "charts" });
  const drawn = keyedList(charts, (/** @type {Chart} */ { key }) => key, createChart);
  const element = h("div", { class: "numbers" }, instancesPart(rows), chartsPart(charts, note));
  let asked = -Infinity;

  /** @param {AbortSignal} [signal] */
  async function look(signal) {
    if (performance.now() - asked < INTERVAL_MS) return;
    const begun = performance.now();
    const response = await fetch(PATH, { signal, cache: "no-store" });
    if (!response.ok) throw new Error("What was measured cannot be found out.");
    /** @type {{services: Service[]}} */
    const { services } = await response.json();
    asked = begun;
    instances.update(services.flatMap(rowsOf));
    drawn.update(chartsOf(services));
    setText(note, missing(services));
  }

  return { element, look };
}

/** @param {HTMLElement} rows */
function instancesPart(rows) {
  const columns = ["Service", "Instance", "State", "Running since", "Version", "Requests a second"];
  const head = h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)));
  const table = h("table", { "aria-labelledby": "instances" }, h("thead", {}, head), rows);
  return h(
    "section",
    { "aria-labelledby": "instances" },
    h("h2", { id: "instances" }, "Instances"),
    h(
      "div",
      { class: "listed instances", tabindex: 0, role: "group", "aria-labelledby": "instances" },
      table,
    ),
  );
}

/** @param {HTMLElement} charts @param {HTMLElement} note */
function chartsPart(charts, note) {
  return h(
    "section",
    { "aria-labelledby": "measured" },
    h("h2", { id: "measured" }, "The last 15 minutes"),
    note,
    charts,
  );
}

/** @param {Service} service @returns {Row[]} */
const rowsOf = ({ service, instances }) =>
  instances.map((instance) => ({ ...instance, service, key: `${service} ${instance.address}` }));

/** How an instance is, in words. @param {Instance} instance */
export function stateText({ address, inUse, leftOut, detail }) {
  if (address === null) return "Answers this page";
  const state = leftOut ? "Left out: requests to it failed" : inUse ? "Gets requests" : "Gets no requests";
  return detail ? `Not known: ${detail}. ${inUse ? "It would get requests" : state}` : state;
}

/** What was measured could not be found out of these. @param {Service[]} services */
export function missing(services) {
  const silent = services.flatMap(rowsOf).filter(({ detail }) => detail);
  if (silent.length === 0) return "";
  const places = silent.map(({ service, address, detail }) => `${service} at ${address} (${detail})`);
  return `Without ${places.join(", ")}.`;
}

/** @param {Row} row */
function createRow({ service, address }) {
  const [state, since, version, requests] = [cell(), cell(), cell(), cell()];
  return {
    element: h(
      "tr",
      {},
      h("th", { scope: "row" }, service),
      cell(address ?? ""),
      state,
      since,
      version,
      requests,
    ),
    /** @param {Row} news */
    update(news) {
      const changed = news.since ? [h("span", { class: "hint" }, " since ", timeElement(news.since))] : [];
      state.replaceChildren(stateText(news), ...changed);
      state.dataset.status = news.detail || !news.inUse ? "down" : "up";
      since.replaceChildren(news.startedAt ? timeElement(news.startedAt) : "");
      setText(version, news.version ?? "");
      const of = (news.series ?? []).find(({ metric }) => metric === REQUESTS);
      const last = of && rates({ ages: news.ages ?? [], values: of.values }).values.at(-1);
      setText(requests, typeof last === "number" ? numberText(last) : "");
    },
  };
}

/** @typedef {Kind & {key: string, of: string, values: Values}} Chart */

/** What is drawn: one chart for each thing that is measured, of all instances together. @param {Service[]} services */
export function chartsOf(services) {
  /** @type {Map<string, {kind: Kind, of: string, metric: string, all: Map<string, Samples>}>} */
  const found = new Map();
  for (const { process, address, ages = [], series = [] } of services.flatMap(({ instances }) => instances)) {
    for (const { metric, of, values } of series) {
      const kind = KINDS[metric];
      if (!kind || (metric === REQUESTS && of !== FRONT)) continue;
      const chart = found.get(`${metric} ${of}`) ?? { kind, of, metric, all: new Map() };
      // A process that was asked at two addresses counts once.
      chart.all.set(process ?? String(address), { ages, values });
      found.set(`${metric} ${of}`, chart);
    }
  }
  const order = Object.keys(KINDS);
  const charts = [...found.entries()].map(([key, { kind, of, metric, all }]) => {
    const samples = [...all.values()].map((one) => inSteps(kind.isCounted ? rates(one) : one));
    return { ...kind, key, of, metric, values: together(samples, kind.how) };
  });
  return charts.sort((one, other) => order.indexOf(one.metric) - order.indexOf(other.metric));
}

/** @param {Chart} of */
function createChart({ title, of, unit }) {
  const { element, show } = chart(title(of), unit);
  return { element, update: (/** @type {Chart} */ { values }) => show(values) };
}
