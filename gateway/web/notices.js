// What the page tells by the way: messages, spoken words, and that it waits.
import { byId, h } from "./dom.js";
import { keepFocus } from "./focus.js";
import { acting, settle } from "./settling.js";

/** @import { Child } from "./dom.js" */

const SHOWN_MS = 6_000;
// Time enough to get to the button with the keyboard (WCAG 2.2, 2.2.1 takes 20 seconds for enough to react).
const SHOWN_WITH_UNDO_MS = 20_000;
const MOST_SHOWN = 4;

/** For screen readers; not shown. @param {string} text */
export function say(text) {
  const spoken = byId("spoken");
  // The same words twice are two pieces of news.
  spoken.textContent = spoken.textContent === text ? `${text}\u00a0` : text;
}

/**
 * Shows a message for a while, and says it.
 * @param {string | Child[]} content
 * @param {{undo?: () => void, isError?: boolean}} [options] An error stays until it is closed.
 */
export function notify(content, { undo, isError = false } = {}) {
  const notices = byId("notices");
  const remove = () => {
    notice.remove();
    // Those beside it have moved.
    settle(notices);
  };
  const close = () => {
    remove();
    keepFocus();
  };
  const takeBack = (/** @type {() => void} */ act) => () => {
    close();
    act();
  };
  const words = h("p", {}, ...(typeof content === "string" ? [content] : content));
  const notice = h(
    "div",
    { class: isError ? "notice error" : "notice", role: isError ? "alert" : undefined },
    words,
    undo && h("button", acting({ onclick: takeBack(undo) }), "Undo"),
    h("button", { type: "button", class: "quiet", "aria-label": "Close message", onclick: close }, "×"),
  );
  notices.append(notice);
  settle(notices);
  while (notices.children.length > MOST_SHOWN) notices.firstElementChild?.remove();
  if (isError) return;
  say(words.textContent);
  const leave = () => {
    if (notice.matches(":hover, :focus-within")) setTimeout(leave, SHOWN_MS);
    else remove();
  };
  setTimeout(leave, undo ? SHOWN_WITH_UNDO_MS : SHOWN_MS);
}

/** Shows why something did not work. @param {unknown} error @param {...Child} what */
export function notifyError(error, ...what) {
  const reference = error instanceof Error && "reference" in error ? error.reference : null;
  const named = reference ? [" ", h("small", {}, `Reference: ${reference}`)] : [];
  notify([...what, `: ${messageOf(error)}`, ...named], { isError: true });
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

let waiting = 0;

/**
 * Shows that the page waits, if that takes longer than a moment. Returns what to call when it is over.
 * @param {number} afterMs
 */
export function progress(afterMs) {
  let isShown = false;
  const show = (/** @type {number} */ change) => {
    waiting += change;
    byId("progress").hidden = waiting === 0;
  };
  const timer = setTimeout(() => {
    isShown = true;
    show(1);
  }, afterMs);
  return () => {
    clearTimeout(timer);
    if (isShown) show(-1);
  };
}
