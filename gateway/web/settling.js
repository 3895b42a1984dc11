// What has just come under somebody's hand does nothing for a moment: a click that was meant for what was there before
// must not do something else. So also the second click of a double click.

/** Longer than it takes to see that something has moved. */
export const SETTLING_MS = 300;

/** What is settling, and until when. @type {Map<HTMLElement, number>} */
const settling = new Map();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** For a moment, what changes something does not react in these. @param {...HTMLElement} elements */
export function settle(...elements) {
  if (elements.length === 0) return;
  const until = performance.now() + SETTLING_MS;
  for (const element of elements) {
    settling.set(element, until);
    element.dataset.settling = "";
  }
  timer ??= setTimeout(release, SETTLING_MS);
}

function release() {
  timer = undefined;
  const now = performance.now();
  let next = Infinity;
  for (const [element, until] of settling) {
    if (until > now) {
      next = Math.min(next, until);
      continue;
    }
    settling.delete(element);
    delete element.dataset.settling;
  }
  if (next < Infinity) timer = setTimeout(release, next - now);
}

/** @param {Element} element */
export const isSettling = (element) => element.closest("[data-settling]") !== null;

/**
 * Marks a button as one that changes something.
 * @template {Record<string, any>} P @param {P} [properties]
 */
export const acting = (properties) => ({ type: "button", "data-acts": true, ...properties });

/** Keeps clicks from what is settling. @param {() => void} tell Says that nothing was done. */
export function guardClicks(tell) {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-acts]") : null;
    if (!button) return;
    const isInDialog = button.closest("dialog") !== null;
    const isSecond = event.detail > 1;
    // What has the focus stays under the key wherever it moves; only a dialog comes under it unseen.
    const isByKey = event.isTrusted && event.detail === 0;
    const isUnmeant = isSettling(button) && !(isByKey && !isInDialog);
    if (!isSecond && !isUnmeant) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!isSecond && !isInDialog) tell();
  }, { capture: true });
}
