// Making and changing elements. Text is always text: nothing here parses HTML.
import { keepFocus } from "./focus.js";
import { settle } from "./settling.js";

/** @typedef {Node | string | number | false | null | undefined} Child */

/**
 * Makes an element. Properties that start with `on` are listeners, `class` is the class, `dataset` the data attributes,
 * and whatever is `false`, `null` or `undefined` is left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element} element @param {Child[]} children */
function append(element, children) {
  for (const child of children) {
    if (child !== false && child !== null && child !== undefined) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
}

/** Replaces what is in an element. @param {Element} element @param {...Child} children */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** Touches the element only if the text differs. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Sets an attribute, or removes it for `null`.
 * @param {Element} element @param {string} name @param {string | null} value
 */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** A text of any script beside others: it does not disturb their direction. @param {string} text */
export const bdi = (text) => h("bdi", {}, text);

/** The element with this id, which the page has. @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * @template T
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {(item: T) => void} update
 */

/**
 * Keeps the children of an element in step with a list: rows are made once, changed where their item changed, and moved
 * where the order did. The focus stays where it is, or goes to where typing does no harm. A row that comes to another
 * place settles there first, so that nobody presses what has just come under their hand.
 * @template T
 * @param {Element} parent
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Row<T>} create Makes a row; `update` is called right afterwards.
 * @param {{acts?: boolean}} [options] Whether rows have buttons that change something.
 */
export function keyedList(parent, keyOf, create, { acts = false } = {}) {
  /** @type {Map<string, Row<T> & {item: T | undefined}>} */
  let rows = new Map();
  /** @type {unknown} */
  let commonBefore;

  /** @param {T[]} items @param {unknown} [common] What every row depends on: if it is another one, all are updated. */
  function update(items, common) {
    const hasChanged = common !== commonBefore;
    commonBefore = common;
    const focused = document.activeElement;
    const next = new Map();
    for (const item of items) {
      const key = keyOf(item);
      const row = rows.get(key) ?? { ...create(item), item: undefined };
      if (row.item !== item || hasChanged) {
        row.item = item;
        row.update(item);
      }
      next.set(key, row);
    }
    const before = [...rows.values()].map((row) => row.element);
    const focusedRow = before.findIndex((element) => element.contains(focused));
    for (const [key, row] of rows) if (!next.has(key)) row.element.remove();
    rows = next;
    const elements = [...rows.values()].map((row) => row.element);
    arrange(parent, elements);
    if (acts) settle(...elements.filter((element, at) => element !== before[at]));
    if (focusedRow < 0) return;
    // A row that was moved has lost the focus; of one that is gone, or has nothing to press any more, a link takes it.
    const isLeft = focused instanceof HTMLElement && parent.contains(focused) && focused.checkVisibility();
    if (isLeft) focused.focus({ preventScroll: true });
    else {
      const row = before[focusedRow];
      const place = row.isConnected ? row : elements[Math.min(focusedRow, elements.length - 1)];
      keepFocus(place?.querySelector("a") ?? parent);
    }
  }

  /** @param {string} key */
  const element = (key) => rows.get(key)?.element;
  return { update, element };
}

/**
 * Puts elements in order with few moves where few have changed places.
 * @param {Element} parent @param {HTMLElement[]} elements
 */
function arrange(parent, elements) {
  let place = parent.firstElementChild;
  for (const element of elements) {
    // One that has gone further down: taken out of the way, all between stay where they are.
    if (place && place !== element && place.nextElementSibling === element) {
      const moved = place;
      place = element;
      parent.append(moved);
    }
    if (place === element) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}
