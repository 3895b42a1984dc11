// A section of the System page with what the processors of all domains list for operators, and what can be done about it.
import { h, keyedList, setText } from "../dom.js";
import { keepFocus } from "../focus.js";

/** @import { Child, Row } from "../dom.js" */

const MOST_SHOWN = 100;

/** @typedef {{domain: string, detail: string}} Unreachable */

/**
 * @template T
 * @typedef {object} Listed What the gateway answers.
 * @property {T[]} items
 * @property {number} total
 * @property {Unreachable[]} unreachable The domains that could not be asked.
 */

/**
 * @template T
 * @typedef {object} OperatorsList
 * @property {string} id
 * @property {string} title
 * @property {string} path
 * @property {(answer: any) => Listed<T>} [itemsOf] What an answer lists, if it is not itself a list.
 * @property {string[]} columns
 * @property {(item: T) => string} keyOf
 * @property {(item: T, look: () => Promise<void>) => Row<T>} createRow
 * @property {(listed: Listed<T>) => string} summary
 * @property {HTMLElement} action What can be done about all of it.
 * @property {(listed: Listed<T>) => boolean} isActionOffered
 */

/** `look` reads it anew. @template T @param {OperatorsList<T>} options */
export function operatorsList(
  { id, title, path, itemsOf, columns, keyOf, createRow, summary, action, isActionOffered },
) {
  const note = h("p", { role: "status" });
  const rows = h("tbody", {});
  const head = h("tr", {}, ...columns.map((name) => (name ? h("th", { scope: "col" }, name) : h("td", {}))));
  const table = h("table", { "aria-labelledby": id }, h("thead", {}, head), rows);
  const scroll = h(
    "div",
    { class: `listed ${id}`, tabindex: 0, role: "group", "aria-labelledby": id },
    table,
  );
  const list = keyedList(rows, keyOf, (item) => createRow(item, look), { acts: true });
  const actions = h("div", { class: "actions" }, action);
  const element = h("section", { "aria-labelledby": id }, h("h2", { id }, title), note, scroll, actions);
  show({ items: [], total: 0, unreachable: [] }, "");

  /** @param {Listed<T>} listed @param {string} text */
  function show(listed, text) {
    const isWithin = element.contains(document.activeElement);
    list.update(listed.items);
    scroll.hidden = listed.items.length === 0;
    actions.hidden = !isActionOffered(listed);
    setText(note, text);
    if (isWithin) keepFocus(element);
  }

  /** @param {AbortSignal} [signal] */
  async function look(signal) {
    const query = itemsOf ? "" : `?limit=${MOST_SHOWN}`;
    const response = await fetch(`${path}${query}`, { signal, cache: "no-store" });
    const body = await response.json();
    const listed = response.ok && (itemsOf?.(body) ?? body);
    if (listed) show(listed, summary(listed));
    else show({ items: [], total: 0, unreachable: [] }, body.detail ?? "It cannot be found out.");
  }

  return { element, look };
}

/** A button that is out of use while what it does is under way. @param {string} label @param {() => Promise<void>} act */
export function operatorsButton(label, act) {
  let isBusy = false;
  const button = h("button", { type: "button", "data-acts": true, onclick: press }, label);
  async function press() {
    if (isBusy) return;
    isBusy = true;
    // One that were disabled would lose the focus.
    button.setAttribute("aria-disabled", "true");
    await act();
    button.removeAttribute("aria-disabled");
    isBusy = false;
  }
  return button;
}

/** That of some domains nothing is known. @param {Unreachable[]} unreachable @param {string} what */
export const notKnown = (unreachable, what) =>
  unreachable.map(({ domain, detail }) =>
    ` Of ${domain} ${what} it is not known: ${detail.replace(/\.?$/, ".")}`
  ).join("");

/** How many are shown, if not all are. @param {Listed<unknown>} listed */
export const partOf = (
  { items, total },
) => (items.length < total ? ` The first ${items.length} are shown.` : "");

/** @param {...Child} content */
export const cell = (...content) => h("td", {}, ...content);
