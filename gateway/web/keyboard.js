// What the keyboard does: typing goes to the search and never acts, a bar code scanner is told from it, and keys of views
// are those of `keys.js`.
import { readBoardingPass } from "./boarding_pass.js";
import { openDialog } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { isTextField, restFocus } from "./focus.js";
import { KEYS, MEANINGS, pressed } from "./keys.js";
import { notify } from "./notices.js";
import { currentView } from "./router.js";
import { Burst } from "./scanner.js";

const STORED = "shortcuts";
const MOST_SHOWN = 40;

let areOn = stored() !== "off";

function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

/** @param {boolean} on */
function switchTo(on) {
  areOn = on;
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // It holds for this page then.
  }
}

const burst = new Burst();
/**
 * Where the characters of the burst have come, and what was there before.
 * @type {{field: HTMLInputElement | HTMLSelectElement, before: string} | null}
 */
let written = null;

export function listenForKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const isCharacter = [...event.key].length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Enter") takeEnter(event);
    // What comes next is a letter with an accent.
    else if (event.key === "Dead" && !isTextField(event.target)) leadTyping();
    else if (isCharacter) takeCharacter(event);
    else if (!event.defaultPrevented) takeKey(event);
  }, { capture: true });
}

/** A key that is held down does nothing twice. @param {KeyboardEvent} event */
function takeEnter(event) {
  const scanned = burst.end(event.timeStamp);
  if (scanned === null && !event.repeat) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (scanned === null) return;
  takeBack();
  tellScanned(scanned);
}

/** @param {KeyboardEvent} event */
function takeCharacter(event) {
  const isTyping = isTextField(event.target);
  if (event.repeat) return;
  const isFirst = burst.type(event.key, event.timeStamp);
  if (isFirst) written = null;
  if (!isTyping && !(isFirst && takeKey(event)) && event.key !== " ") leadTyping();
  // The character comes to where the focus is by now.
  const field = document.activeElement;
  const isField = field instanceof HTMLInputElement || field instanceof HTMLSelectElement;
  if (written === null && isField && isTextField(field)) written = { field, before: field.value };
}

/** Does what a key of the view does, if it is one. @param {KeyboardEvent} event */
function takeKey(event) {
  if (document.querySelector("dialog[open]")) return false;
  const key = pressed(event, isTextField(event.target));
  if (key === null || (!areOn && key.length === 1)) return false;
  const act = key === KEYS.help ? showHelp : currentView()?.keys?.[key];
  if (!act) return false;
  event.preventDefault();
  // A key that is held down goes through a list, but does nothing twice.
  if (!event.repeat || event.key.startsWith("Arrow")) act();
  return true;
}

/** Somebody begins to type: in the search, or else where no key does anything. */
function leadTyping() {
  const search = areOn && !document.querySelector("dialog[open]") ? currentView()?.search?.() : null;
  if (!search) {
    restFocus();
    return;
  }
  search.focus();
  // What was searched for before is not a part of it.
  search.select();
}

/** A scanner has written into a field: what was there before is there again. */
function takeBack() {
  if (!written?.field.isConnected) return;
  const { field, before } = written;
  written = null;
  if (field.value === before) return;
  field.value = before;
  for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
}

/** @param {string} scanned */
function tellScanned(scanned) {
  const short = scanned.length > MOST_SHOWN ? `${scanned.slice(0, MOST_SHOWN)}…` : scanned;
  const asked = document.querySelector("dialog[open] .refusal");
  if (asked) {
    fill(asked, h("p", {}, "A bar code was scanned. Nothing was done with it: answer or close this first."));
    return;
  }
  const pass = readBoardingPass(scanned);
  const view = currentView();
  if (pass === null) {
    const words = [
      h("bdi", {}, short),
      " was scanned: it is no boarding pass that is known here. Nothing was done.",
    ];
    notify(words, { isError: true });
  } else if (view?.scanned) view.scanned(pass);
  else notify("A boarding pass was scanned. Its passenger is found on the page of the flight.");
}

export function showHelp() {
  const checkbox = h("input", {
    type: "checkbox",
    checked: areOn,
    onchange: () => switchTo(checkbox.checked),
  });
  /** @param {string} keys */
  const names = (keys) => keys.split(" ").map((key) => h("kbd", {}, key.replace("+", " + ")));
  const sections = MEANINGS.flatMap(([title, keys]) => [
    h("h3", {}, title),
    h(
      "dl",
      { class: "keys" },
      ...keys.map(([key, meaning]) => h("div", {}, h("dt", {}, ...names(key)), h("dd", {}, meaning))),
    ),
  ]);
  openDialog({
    title: ["Keyboard"],
    body: [
      ...sections,
      h("label", { class: "check" }, checkbox, " Keys without Alt are on: typing searches, / and ? work"),
    ],
    cancel: "Close",
  });
}
