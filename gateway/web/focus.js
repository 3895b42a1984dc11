// Where the focus is: never nowhere, and after something was done never where another key would do something else.

/** What does something when Enter or the space bar is pressed on it. */
const PRESSABLE = "button, a, summary, input[type=checkbox], input[type=radio]";

/**
 * If what had the focus is gone or hidden, it goes to the first of these elements that takes it, or to its heading, or
 * else to the heading of the view. They are such that no key does anything on them but lead elsewhere.
 * @param {...(Element | null | undefined)} elements
 */
export function keepFocus(...elements) {
  const focused = document.activeElement;
  const isSomewhere = focused instanceof HTMLElement && focused !== document.body &&
    focused.checkVisibility();
  if (isSomewhere) return;
  const candidates = elements.flatMap((element) => [element, headingOf(element)]);
  for (const candidate of [...candidates, document.querySelector("#view h1")]) {
    if (candidate instanceof HTMLElement && take(candidate)) return;
  }
}

/** @param {Element | null | undefined} element */
const headingOf = (element) => element?.closest("section")?.querySelector("h2");

/** Focuses a link or a heading, without moving anything. @param {HTMLElement} element */
function take(element) {
  if (/^H[1-6]$/.test(element.tagName)) element.tabIndex = -1;
  element.focus({ preventScroll: true });
  return document.activeElement === element;
}

/** Takes the focus off what a key would press: to the heading of the dialog that is open, or of the view. */
export function restFocus() {
  if (!document.activeElement?.matches(PRESSABLE)) return;
  const heading = document.querySelector("dialog[open] h2") ?? document.querySelector("#view h1");
  if (heading instanceof HTMLElement) take(heading);
}

/** The reader hears where they are, and goes on from there. @param {HTMLElement} container */
export function focusHeading(container) {
  if (container.contains(document.activeElement)) return;
  const heading = container.querySelector("h1");
  if (heading) take(heading);
  else container.focus({ preventScroll: true });
}

/** Whether text is entered there. @param {EventTarget | null} target */
export function isTextField(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target.matches("textarea, select, [contenteditable]");
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

  /** @param {HTMLElement | undefined} stop @param {{isStill?: boolean}} [options] Whether nothing may move by it. */
  function focus(stop, { isStill = false } = {}) {
    if (!stop) return;
    choose(rowOf(stop));
    stop.focus({ preventScroll: isStill });
    if (!isStill) stop.scrollIntoView({ block: "nearest" });
  }

  parent.addEventListener("focusin", ({ target }) => {
    if (target instanceof Element) choose(rowOf(target));
  });

  /** Moves the focus, or brings it here. @param {number} steps */
  function move(steps) {
    const all = stops();
    const stop = current();
    const at = stop ? all.indexOf(stop) : 0;
    const isHere = parent.contains(document.activeElement);
    focus(isHere ? all[Math.min(Math.max(at + steps, 0), all.length - 1)] : all[Math.max(at, 0)]);
  }

  /** @param {"first" | "last"} end */
  const moveTo = (end) => focus(stops().at(end === "first" ? 0 : -1));
  const keys = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Home: () => moveTo("first"),
    End: () => moveTo("last"),
  };
  return { refresh, focus, current, move, moveTo, keys };
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
