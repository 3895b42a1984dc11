// Small charts of the last 15 minutes: what was measured, in steps, as a line with gaps where nothing is known.
import { h, setAttribute, setText } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
/** How far two samples of a process are apart, in seconds. */
const STEP = 5;
/** So many steps are shown. */
export const STEPS = 180;
const [WIDTH, HEIGHT] = [360, 80];

/**
 * @typedef {(number | null)[]} Values `null` where it is not known.
 *
 * @typedef {object} Samples
 * @property {number[]} ages In seconds, the oldest first.
 * @property {Values} values
 */

/**
 * By how much something that is counted has gone up a second, up to each sample.
 * @param {Samples} samples @returns {Samples}
 */
export function rates({ ages, values }) {
  const rate = (/** @type {number} */ at) => {
    const [before, after] = [values[at - 1], values[at]];
    const seconds = ages[at - 1] - ages[at];
    // Where the process stood still, nobody knows when it was.
    if (before === null || after === null || seconds <= 0 || seconds > 3 * STEP || after < before) {
      return null;
    }
    return (after - before) / seconds;
  };
  return { ages, values: values.map((_, at) => (at === 0 ? null : rate(at))) };
}

/**
 * The sample nearest to each step, the oldest first: instances take theirs at different moments.
 * @param {Samples} samples @returns {Values}
 */
export function inSteps({ ages, values }) {
  /** @type {Values} */
  const steps = Array(STEPS).fill(null);
  /** @type {number[]} */
  const distances = Array(STEPS).fill(Infinity);
  for (const [at, age] of ages.entries()) {
    // A step late is rather that sample than none.
    for (const steps_ago of [Math.floor(age / STEP), Math.ceil(age / STEP)]) {
      const step = STEPS - 1 - steps_ago;
      const distance = Math.abs(age - steps_ago * STEP);
      if (step < 0 || step >= STEPS || distance > 0.9 * STEP || distance >= distances[step]) continue;
      [steps[step], distances[step]] = [values[at], distance];
    }
  }
  return steps;
}

/**
 * What several instances say, together. A step of which none knows anything is a gap.
 * @param {Values[]} all @param {"sum" | "max"} how @returns {Values}
 */
export function together(all, how) {
  return Array.from({ length: STEPS }, (_, step) => {
    const known = all.map((values) => values[step]).filter((value) => value !== null);
    if (known.length === 0) return null;
    return how === "sum" ? known.reduce((sum, value) => sum + value, 0) : Math.max(...known);
  });
}

/** The end of a scale up to which all of it can be seen: 1, 2 or 5 with zeros. @param {Values} values */
export function scaleOf(values) {
  const most = Math.max(1, ...values.filter((value) => value !== null));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((factor) => factor * power).find((end) => end >= most) ?? 10 * power;
}

/**
 * The line, as the `d` of an SVG path.
 * @param {Values} values @param {number} scale @param {[number, number]} [size]
 */
export function pathOf(values, scale, [width, height] = [WIDTH, HEIGHT]) {
  const x = (/** @type {number} */ step) => (step * width) / (values.length - 1);
  const y = (/** @type {number} */ value) => height - (Math.min(value, scale) * height) / scale;
  const round = (/** @type {number} */ number) => Number(number.toFixed(1));
  const parts = values.map((value, step) => {
    if (value === null) return "";
    const place = `${round(x(step))} ${round(y(value))}`;
    // What is alone is a point, which takes a line of no length.
    return (values[step - 1] ?? null) === null ? `M${place}L${place}` : `L${place}`;
  });
  return parts.join("");
}

/** With as many digits as say something. @param {number} value */
export const numberText = (value) =>
  value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 });

/** @typedef {{one: string, many: string}} Unit What stands behind a number. */

/** What a chart shows, in words. @param {Values} values @param {Unit} unit */
export function summaryOf(values, { one, many }) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "Nothing is known yet.";
  const last = values.findLast((_, step) => step >= STEPS - 3 && values[step] !== null) ?? null;
  const now = last === null ? "Not known now" : `${numberText(last)} ${last === 1 ? one : many} now`;
  const gaps = values.indexOf(null, values.findIndex((value) => value !== null)) >= 0 && last !== null
    ? ", with gaps"
    : "";
  return `${now}, at most ${numberText(Math.max(...known))}${gaps}.`;
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** A chart with its title, and in words what it shows. @param {string} title @param {Unit} unit */
export function chart(title, unit) {
  const line = svg("path", { class: "line" });
  const ground = svg("path", { class: "axis", d: `M0 ${HEIGHT}H${WIDTH}M0 0H${WIDTH}` });
  const picture = svg("svg", {
    viewBox: `-2 -2 ${WIDTH + 4} ${HEIGHT + 4}`,
    preserveAspectRatio: "none",
    role: "img",
  });
  picture.append(ground, line);
  const words = h("span", { class: "hint" });
  const end = h("span", {});
  const element = h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("strong", {}, title), " ", words),
    h("div", { class: "scale", "aria-hidden": "true" }, end),
    picture,
    h("div", { class: "times", "aria-hidden": "true" }, h("span", {}, "15 min ago"), h("span", {}, "now")),
  );
  return {
    element,
    /** @param {Values} values */
    show(values) {
      const [scale, summary] = [scaleOf(values), summaryOf(values, unit)];
      setAttribute(line, "d", pathOf(values, scale));
      setAttribute(picture, "aria-label", `${title} in the last 15 minutes: ${summary}`);
      setText(words, summary);
      setText(end, numberText(scale));
    },
  };
}
