// Times as people here read them.
import { h } from "./dom.js";
import { plural } from "./model.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** @param {Date} one @param {Date} other */
const isSameDay = (one, other) => one.toDateString() === other.toDateString();

/**
 * The time of day, with the day where it is not today.
 * @param {string} moment RFC 3339
 * @param {{seconds?: boolean, now?: Date}} [options]
 */
export function shortTime(moment, { seconds = false, now = new Date() } = {}) {
  const date = new Date(moment);
  const time = (seconds ? clockWithSeconds : clock).format(date);
  return isSameDay(date, now) ? time : `${day.format(date)}, ${time}`;
}

/** The time with its day and zone. @param {string | Date} moment */
export const fullTime = (moment) => full.format(new Date(moment));

/** @param {Date} date */
export const timeWithSeconds = (date) => clockWithSeconds.format(date);

/** @param {string} moment @param {{seconds?: boolean}} [options] */
export const timeElement = (moment, options) =>
  h("time", { datetime: moment, title: fullTime(moment) }, shortTime(moment, options));

/** @type {[number, string, string][]} */
const UNITS = [[86_400, "day", "days"], [3_600, "hour", "hours"], [60, "minute", "minutes"], [
  1,
  "second",
  "seconds",
]];

/** For how long something has been so, in the largest unit. @param {string} since RFC 3339 @param {number} [now] */
export function ageText(since, now = Date.now()) {
  // Clocks differ, and nothing is so from the future on.
  const seconds = Math.max(0, Math.round((now - Date.parse(since)) / 1_000));
  const [size, one, many] = UNITS.find(([size]) => seconds >= size) ?? UNITS[UNITS.length - 1];
  return plural(Math.floor(seconds / size), one, many);
}
