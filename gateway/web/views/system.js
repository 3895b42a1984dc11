// How everything is: what works, what does not, and this page's own connection.
import { pause } from "../api.js";
import { fill, h, keyedList, setText } from "../dom.js";
import { timeWithSeconds } from "../format.js";
import { linkState, onLinkState, reconnect } from "../live.js";
import { mayNotOperate } from "../rules.js";
import { configurationSection } from "./configuration.js";
import { numbersSection } from "./numbers.js";
import { parkedSection } from "./parked.js";
import { rebuildsSection } from "./rebuilds.js";
import { unfinishedSection } from "./unfinished.js";

/** @import { Context, View } from "../router.js" */

const INTERVAL_MS = 3_000;
const LIMIT_MS = 5_000;

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {"up" | "degraded" | "down"} status
 * @property {string} [detail]
 *
 * @typedef {object} Instance
 * @property {string} address
 * @property {"up" | "degraded" | "down"} status
 * @property {string} [detail]
 * @property {boolean} inUse
 * @property {Check[]} [checks]
 *
 * @typedef {Check & {checks?: Check[], instances?: Instance[]}} Service
 */

/** @type {Record<string, string>} */
const OVERALL = {
  up: "Everything works.",
  degraded: "Something needs looking after.",
  down: "Nothing works.",
};

/** What operators see and do. */
const operatorsSections = () => [
  numbersSection(),
  unfinishedSection(),
  parkedSection(),
  rebuildsSection(),
  configurationSection(),
];

/** @param {Context} context @returns {View} */
export function systemView({ container }) {
  const overall = h("p", { class: "overall", role: "status" });
  const list = h("ul", { class: "services" });
  const asked = h("p", { class: "hint" });
  const own = h("p", {});
  const services = keyedList(list, (/** @type {Service} */ service) => service.name, createService);
  const health = h(
    "section",
    { "aria-labelledby": "services" },
    h("h2", { id: "services" }, "Services"),
    list,
    asked,
  );
  const sections = [{ element: health, look }, ...(mayNotOperate() === null ? operatorsSections() : [])]
    .map(dated);
  const mayNot = h("p", { class: "hint" }, mayNotOperate());
  const stop = new AbortController();
  container.classList.add("system");
  container.append(
    h("h1", {}, "System"),
    overall,
    ...sections.map(({ element }) => element),
    mayNot,
    thisPage(own),
  );

  async function watch() {
    while (!stop.signal.aborted) {
      if (!document.hidden) await lookAtSections();
      await pause(INTERVAL_MS, stop.signal);
    }
  }

  async function lookAtSections() {
    const limit = AbortSignal.any([stop.signal, AbortSignal.timeout(LIMIT_MS)]);
    const looks = await Promise.allSettled(sections.map(({ look }) => look(limit)));
    if (stop.signal.aborted) return;
    // Some are not asked for each time: of these it is not known either while the gateway is away.
    const isAway = looks[0]?.status === "rejected";
    sections.forEach(({ show }, at) => show(!isAway && looks[at]?.status === "fulfilled"));
  }

  /** @param {AbortSignal} [signal] */
  async function look(signal) {
    try {
      const response = await fetch("/api/health", { signal, cache: "no-store" });
      /** @type {{status: string, services: Service[]}} */
      const health = await response.json();
      setText(overall, OVERALL[health.status] ?? health.status);
      overall.dataset.status = health.status;
      services.update(health.services);
      setText(asked, `Looked at ${timeWithSeconds(new Date())}, again every ${INTERVAL_MS / 1000} seconds.`);
    } catch (error) {
      if (!stop.signal.aborted) {
        setText(overall, "The gateway cannot be reached.");
        overall.dataset.status = "down";
        setText(asked, "");
      }
      throw error;
    }
  }

  const leave = onLinkState(() => {
    const { status, heard } = linkState();
    const how =
      { connecting: "Connecting", live: "Connected", lost: "Connection lost", asleep: "Asleep" }[status];
    setText(own, heard ? `${how}; last in touch ${timeWithSeconds(heard)}.` : `${how}.`);
  });
  watch().catch(() => {});
  return {
    title: "System",
    unmount() {
      stop.abort();
      leave();
    },
  };
}

/** @param {HTMLElement} own */
const thisPage = (own) =>
  h(
    "section",
    { "aria-labelledby": "this-page" },
    h("h2", { id: "this-page" }, "This page"),
    own,
    h("button", { type: "button", onclick: reconnect }, "Connect again"),
  );

/**
 * A section that says of what it shows that it is not of now, as long as it cannot be looked at.
 * @param {{element: HTMLElement, look: (signal?: AbortSignal) => Promise<void>}} section
 */
function dated({ element, look }) {
  const notes = [...element.querySelectorAll("h2")].map((title) => {
    const note = h("p", { class: "outdated", hidden: true });
    title.after(note);
    return note;
  });
  /** @type {Date | null} */
  let seen = null;

  /** @param {boolean} isOfNow */
  function show(isOfNow) {
    if (isOfNow) seen = new Date();
    const since = seen ? ` What is shown is from ${timeWithSeconds(seen)}.` : "";
    for (const note of notes) {
      note.hidden = isOfNow;
      setText(note, isOfNow ? "" : `Not known at the moment.${since}`);
    }
    element.toggleAttribute("data-outdated", !isOfNow);
  }

  return { element, look, show };
}

function createService() {
  const name = h("h3", {});
  const status = h("span", { class: "status" });
  const detail = h("p", {});
  const checks = h("ul", {});
  return {
    element: h("li", { class: "service" }, h("div", {}, name, status), detail, checks),
    /** @param {Service} service */
    update(service) {
      setText(name, service.name);
      showStatus(status, service.status);
      setText(detail, service.detail ?? "");
      fill(
        checks,
        ...parts(service).map((check) => {
          const mark = h("span", { class: "status" });
          showStatus(mark, check.status);
          return h(
            "li",
            {},
            check.name,
            " ",
            mark,
            check.detail && h("span", { class: "detail" }, check.detail),
          );
        }),
      );
    },
  };
}

/** What is shown below a service: what was looked at, or each of its instances. @param {Service} service */
function parts({ checks = [], instances = [] }) {
  if (instances.length === 0) return checks;
  return instances.map((instance) => ({
    name: instance.address,
    status: instance.status,
    detail: remarks(instance),
  }));
}

/** What is the matter with an instance. @param {Instance} instance */
function remarks({ detail, inUse, checks = [] }) {
  const troubles = checks.filter(({ status }) => status !== "up").map((check) => check.detail ?? check.name);
  return [detail, ...troubles, inUse ? "" : "gets no requests"].filter(Boolean).join("; ");
}

const STATUS = { up: "Up", degraded: "Needs looking after", down: "Down" };

/** @param {HTMLElement} element @param {keyof typeof STATUS} status */
function showStatus(element, status) {
  element.dataset.status = status;
  setText(element, STATUS[status]);
}
