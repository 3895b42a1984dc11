// What several views are made of.
import { h, setAttribute, setText } from "../dom.js";
import { keepFocus } from "../focus.js";
import { KEYS } from "../keys.js";
import { boarding, FLIGHT_STATUS, PASSENGER_STATUS } from "../model.js";
import { say } from "../notices.js";
import { acting, settle } from "../settling.js";

/** @import { Counts, FlightStatus, PassengerStatus } from "../model.js" */

/** @param {HTMLElement} badge @param {FlightStatus} status */
export function showStatus(badge, status) {
  setText(badge, FLIGHT_STATUS[status]);
  badge.dataset.status = status;
}

/** @param {HTMLElement} badge @param {PassengerStatus} status */
export function showPassengerStatus(badge, status) {
  setText(badge, PASSENGER_STATUS[status]);
  badge.dataset.status = status;
}

/** @param {HTMLProgressElement} bar @param {HTMLElement} count @param {Counts} counts */
export function showBoarding(bar, count, counts) {
  const { boarded, total } = boarding(counts);
  setText(count, total === 0 ? "nobody yet" : `${boarded}/${total}`);
  bar.max = Math.max(total, 1);
  bar.value = boarded;
  bar.hidden = total === 0;
  setAttribute(bar, "aria-label", `${boarded} of ${total} boarded`);
}

/** Shows for a moment that something has changed. @param {HTMLElement} element */
export function flash(element) {
  element.classList.remove("changed");
  requestAnimationFrame(() => element.classList.add("changed"));
}

/** A labelled field to search the list of a view. @param {string} id @param {string} placeholder */
export function searchField(id, placeholder) {
  const input = h("input", {
    type: "search",
    id,
    autocomplete: "off",
    placeholder,
    "aria-keyshortcuts": KEYS.search,
  });
  return { input, element: h("div", { class: "field" }, h("label", { for: id }, "Search"), input) };
}

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {string} [key] The key that does the same.
 * @property {boolean} [isPrimary]
 * @property {() => string | null} [mayNot] Why one may not do it at all: then there is no such button, and the reason in its
 *   place.
 * @property {() => boolean} [isOffered] Whether there is such a button at the moment; without it, there always is.
 * @property {() => string | null} cannot Why it cannot be done: one of the rules.
 * @property {() => unknown} act
 */

let reasons = 0;

/**
 * A button for something that the rules may forbid. Then it can still be reached, and says why. It is made together with the
 * element that holds its reason, so that a screen reader never hears another one's.
 * @param {Action} action
 */
function actionButton({ label, key, isPrimary = false, mayNot, isOffered = () => true, cannot, act }) {
  const reason = h("span", { id: `reason-${++reasons}` });
  const press = () => {
    const why = cannot();
    if (why === null) act();
    else say(why);
  };
  const button = h(
    "button",
    acting({ class: isPrimary && "primary", "aria-keyshortcuts": key, onclick: press }),
    label,
  );
  const show = () => {
    const why = cannot();
    const isForbidden = (mayNot?.() ?? null) !== null;
    button.hidden = isForbidden || !isOffered();
    reason.dataset.shown = String(isForbidden || !button.hidden);
    setText(reason, why ?? "");
    setAttribute(button, "aria-disabled", why === null ? null : "true");
    setAttribute(button, "title", why);
    setAttribute(button, "aria-describedby", why === null ? null : reason.id);
  };
  return { button, reason, press, show };
}

/**
 * Buttons in a row, the keys that do the same, and a line that tells why some of it cannot be done. Nothing of it is there
 * before it is known what it would be done to: a button that does nothing is no button.
 * @param {() => boolean} isKnown @param {Action[]} actions @param {...Node} others What else is in the row.
 */
export function actionBar(isKnown, actions, ...others) {
  const buttons = actions.map(actionButton);
  const [hidden, reasons] = [true, buttons.flatMap(({ reason }) => [reason, " "])];
  const row = h("div", { class: "actions", hidden }, ...buttons.map(({ button }) => button), ...others);
  const why = h("p", { class: "hint why", hidden }, ...reasons);

  /** @type {Record<string, () => void>} */
  const keys = {};
  for (const [at, { key }] of actions.entries()) {
    if (!key) continue;
    // A key also tells why there is no such button; but where there are none at all, there is nothing to tell.
    keys[key] = () => {
      if (!row.closest("[hidden]")) buttons[at].press();
    };
  }

  /** To be called when what the rules look at may have changed. */
  function show() {
    const told = new Set();
    const [before, hadFocus] = [offered(), row.contains(document.activeElement)];
    for (const { reason, show } of buttons) {
      show();
      // What several buttons have in common is shown once. A description may be hidden, so each still has its own.
      const isShown = reason.dataset.shown === "true";
      reason.hidden = !isShown || told.has(reason.textContent);
      if (isShown) told.add(reason.textContent);
    }
    why.hidden = row.hidden = !isKnown();
    if (offered() === before) return;
    // Another button is where this one was.
    settle(row);
    if (hadFocus) keepFocus();
  }

  const offered = () => buttons.map(({ button }) => row.hidden || button.hidden).join();
  return { row, why, keys, show };
}
