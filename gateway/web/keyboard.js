// Single keys, and how to learn or switch them off.
import { openDialog } from "./dialogs.js";
import { h } from "./dom.js";
import { currentView } from "./router.js";

const STORED = "shortcuts";

/** @type {[string, string][]} */
const EVERYWHERE = [
  ["/", "Search"],
  ["↑ ↓ Home End", "Go through a list"],
  ["Enter", "Open what has the focus"],
  ["?", "This help"],
  ["Esc", "Close, or clear the search"],
];
/** @type {[string, string][]} */
const ON_THE_BOARD = [["n", "New flight"]];
/** @type {[string, string][]} */
const ON_A_FLIGHT = [
  ["n", "Add a passenger; Enter adds the next one"],
  ["b", "Board the passenger who has the focus"],
  ["o", "Offload the passenger who has the focus"],
  ["c", "Correct the passenger's name"],
  ["d", "Disembark: the flight departs"],
  ["l", "The flight has landed"],
  ["e", "Correct the flight's details"],
  ["u", "Back to all flights"],
];
/** @type {[string, string][]} */
const IN_THE_AUDIT_LOG = [["p", "Pause or go on"]];

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

export function listenForKeys() {
  document.addEventListener("keydown", (event) => {
    if (!areOn || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || isTyping(event.target)) return;
    const act = event.key === "?" ? showHelp : currentView()?.keys?.[event.key];
    if (!act) return;
    event.preventDefault();
    // A key that is held down goes through a list, but does nothing twice.
    if (!event.repeat || event.key.startsWith("Arrow")) act();
  });
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target.matches("textarea, select, [contenteditable]");
}

export function showHelp() {
  const checkbox = h("input", {
    type: "checkbox",
    checked: areOn,
    onchange: () => switchTo(checkbox.checked),
  });
  /** @param {string} title @param {[string, string][]} keys */
  const section = (title, keys) => [
    h("h3", {}, title),
    h(
      "dl",
      { class: "keys" },
      ...keys.map(([key, meaning]) =>
        h("div", {}, h("dt", {}, ...key.split(" ").map((one) => h("kbd", {}, one))), h("dd", {}, meaning))
      ),
    ),
  ];
  openDialog({
    title: "Keyboard",
    body: [
      ...section("Everywhere", EVERYWHERE),
      ...section("Flights", ON_THE_BOARD),
      ...section("A flight", ON_A_FLIGHT),
      ...section("Audit log", IN_THE_AUDIT_LOG),
      h("label", { class: "check" }, checkbox, " Single keys are on"),
    ],
    cancel: "Close",
  });
}
