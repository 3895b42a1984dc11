// Local times as people enter them, and the moments that they mean: one, or where the clocks are changed none or two.

/**
 * How many minutes local time is ahead of UTC.
 * @typedef {(at: number) => number} OffsetAt At a moment, in milliseconds.
 *
 * @typedef {{at: number, offset: number}} Moment
 */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** @type {OffsetAt} */
const here = (at) => -new Date(at).getTimezoneOffset();

/** @param {number} at */
const textOf = (at) => new Date(at).toISOString().slice(0, 16);

/** The local time of a moment, to the minute. @param {string} moment RFC 3339 @param {OffsetAt} [offsetAt] */
export function localOf(moment, offsetAt = here) {
  const at = Date.parse(moment);
  return textOf(at + offsetAt(at) * MINUTE_MS);
}

/**
 * The moments at which clocks show a local time, in order; `null` if it is none.
 * @param {string} local `2026-10-25T02:30` @param {OffsetAt} [offsetAt] @returns {Moment[] | null}
 */
export function momentsOf(local, offsetAt = here) {
  const wall = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(local) ? Date.parse(`${local}Z`) : Number.NaN;
  if (Number.isNaN(wall) || textOf(wall) !== local) return null;
  // No zone changes its clocks twice within these days.
  const offsets = new Set([offsetAt(wall - DAY_MS), offsetAt(wall + DAY_MS)]);
  return [...offsets]
    .map((offset) => ({ at: wall - offset * MINUTE_MS, offset }))
    .filter(({ at, offset }) => offsetAt(at) === offset)
    .sort((one, other) => one.at - other.at);
}

/**
 * @typedef {object} Entered What a field has in it.
 * @property {string} local Empty for none.
 * @property {boolean} isIncomplete Whether only a part was entered.
 * @property {number} chosen Which of two moments is meant; -1 if that was not said.
 * @property {string | null} before The moment that it showed at first.
 */

/**
 * The moment that is meant, with the offset from UTC here; the one from before, to the second and with its own offset,
 * if that has not been touched. What is wrong is said otherwise.
 * @param {Entered} entered @param {OffsetAt} [offsetAt]
 * @returns {{moment: string | null} | {fault: string}}
 */
export function readLocal({ local, isIncomplete, chosen, before }, offsetAt = here) {
  if (isIncomplete) return { fault: "is not complete: enter day and time, or neither" };
  if (local === "") return { moment: null };
  const moments = momentsOf(local, offsetAt);
  // The server says what it takes.
  if (moments === null) return { moment: local };
  if (moments.length === 0) return { fault: SKIPPED };
  const moment = moments[moments.length === 1 ? 0 : chosen];
  if (!moment) return { fault: "comes twice on that day: choose which of the two" };
  const isUntouched = before !== null && localOf(before, offsetAt) === local &&
    offsetAt(Date.parse(before)) === moment.offset;
  return { moment: isUntouched ? before : written(local, moment) };
}

export const SKIPPED = "does not exist on that day: the clocks are put forward over it";

/** @param {string} local @param {Moment} moment */
function written(local, { at, offset }) {
  if (!Number.isInteger(offset)) return new Date(at).toISOString();
  return `${local}:00${offsetText(offset)}`;
}

/** @param {number} offset In minutes. */
export function offsetText(offset) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const size = Math.abs(offset);
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(Math.floor(size % 60))}`;
}
