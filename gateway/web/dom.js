// Making and changing elements. Text is always text: nothing here parses HTML.

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
 * The focus is never nowhere: if what had it is gone, it goes to the element, or else to the heading of the view.
 * @param {Element | null | undefined} [element]
 */
export function keepFocus(element) {
  if (document.activeElement !== document.body && document.activeElement !== null) return;
  for (const candidate of [element, document.querySelector("#view h1")]) {
    if (!(candidate instanceof HTMLElement)) continue;
    if (candidate.tagName === "H1") candidate.tabIndex = -1;
    candidate.focus({ preventScroll: true });
    if (document.activeElement === candidate) return;
  }
}

/**
 * @template T
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {(item: T) => void} update
 */

/**
 * Keeps the children of an element in step with a list: rows are made once, changed where their item changed, and moved
 * where the order did. The focus stays where it is.
 * @template T
 * @param {Element} parent
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Row<T>} create Makes a row; `update` is called right afterwards.
 */
export function keyedList(parent, keyOf, create) {
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
    const focusedRow = [...rows.values()].findIndex((row) => row.element.contains(focused));
    for (const [key, row] of rows) if (!next.has(key)) row.element.remove();
    rows = next;
    const elements = [...rows.values()].map((row) => row.element);
    arrange(parent, elements);
    if (focusedRow < 0 || focused === document.activeElement) return;
    // A row that was moved has lost the focus; of one that is gone, the next one takes it.
    if (focused instanceof HTMLElement && parent.contains(focused)) focused.focus({ preventScroll: true });
    keepFocus(elements[Math.min(focusedRow, elements.length - 1)]?.querySelector("a, button"));
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

/**
 * Makes a list one stop of the Tab key, with the arrow keys to go through it. The buttons of a row can be reached with the
 * Tab key while the focus is in it.
 * @param {Element} parent
 * @param {string} selector What of each row takes the focus.
 */
export function rovingFocus(parent, selector) {
  const stops = () => /** @type {HTMLElement[]} */ ([...parent.querySelectorAll(selector)]);
  /** @type {Element | null} */
  let row = null;
  const current =
    () => (row?.isConnected ? /** @type {HTMLElement | null} */ (row.querySelector(selector)) : null);

  /** The row that something is in. @param {Element} element */
  function rowOf(element) {
    let row = element;
    while (row.parentElement && row.parentElement !== parent) row = row.parentElement;
    return row;
  }

  /** @param {Element} row @param {number} tabIndex */
  function setTabIndex(row, tabIndex) {
    for (const element of row.querySelectorAll(`${selector}, button`)) {
      if (element instanceof HTMLElement) element.tabIndex = tabIndex;
    }
  }

  /** @param {Element} next */
  function choose(next) {
    if (row && row !== next) setTabIndex(row, -1);
    row = next;
    setTabIndex(row, 0);
  }

  /** To be called after the rows have changed. */
  function refresh() {
    for (const one of parent.children) if (one !== row) setTabIndex(one, -1);
    const [first] = parent.children;
    if (!row?.isConnected && first) choose(first);
  }

  /** @param {HTMLElement | undefined} stop */
  function focus(stop) {
    if (!stop) return;
    choose(rowOf(stop));
    stop.focus();
    stop.scrollIntoView({ block: "nearest" });
  }

  parent.addEventListener("focusin", ({ target }) => {
    if (target instanceof Element) choose(rowOf(target));
  });

  return {
    refresh,
    focus,
    current,
    /** Moves the focus, or brings it here. @param {number} steps */
    move(steps) {
      const all = stops();
      const stop = current();
      const at = stop ? all.indexOf(stop) : 0;
      const isHere = parent.contains(document.activeElement);
      focus(isHere ? all[Math.min(Math.max(at + steps, 0), all.length - 1)] : all[Math.max(at, 0)]);
    },
    /** @param {"first" | "last"} end */
    moveTo(end) {
      focus(stops().at(end === "first" ? 0 : -1));
    },
  };
}

/**
 * Makes a field search a list: the arrow key down and Enter go into the list, Escape clears the search.
 * @param {HTMLInputElement} input
 * @param {ReturnType<typeof rovingFocus>} focus Of the list.
 * @param {() => void} changed
 */
export function searchList(input, focus, changed) {
  input.addEventListener("input", changed);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      focus.moveTo("first");
    } else if (event.key === "Escape" && input.value) {
      event.preventDefault();
      input.value = "";
      changed();
    }
  });
}
