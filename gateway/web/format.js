// Times as people here read them.
import { h } from "./dom.js";

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

/**
 * What a `datetime-local` field shows for a moment: the local time.
 * @param {string | null} moment RFC 3339
 */
export function toLocalInput(moment) {
  if (!moment) return "";
  const date = new Date(moment);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/**
 * The moment that a `datetime-local` field means, with this zone's offset; what is no time stays as it is, for the
 * server to say so.
 * @param {string} local
 */
export function fromLocalInput(local) {
  if (!local) return null;
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? local : date.toISOString();
}
