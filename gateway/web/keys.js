// Which key does what: once, for the views, for `aria-keyshortcuts` and for the help.
//
// What changes something, or leads away, needs the Alt key, so that no typing does it. The letters are those that no
// usual browser has a meaning for together with Alt: not B, D, E, F, H, S, T and V.

export const KEYS = {
  search: "/",
  help: "?",
  newFlight: "Alt+N",
  addPassenger: "Alt+N",
  board: "Alt+I",
  offload: "Alt+O",
  correctName: "Alt+C",
  disembark: "Alt+G",
  land: "Alt+L",
  correctDetails: "Alt+R",
  up: "Alt+U",
  pause: "Alt+P",
};

/** For the help: where, and what which keys do there. @type {[string, [string, string][]][]} */
export const MEANINGS = [
  ["Everywhere", [
    ["A–Z", "Typing goes to the search, and changes nothing"],
    [KEYS.search, "Search"],
    ["↑ ↓ Home End", "Go through a list"],
    ["Enter", "Open what has the focus"],
    [KEYS.help, "This help"],
    ["Esc", "Close, or clear the search"],
    ["Ctrl+Enter", "In a field: confirm what cannot be undone"],
  ]],
  ["Flights", [[KEYS.newFlight, "New flight"]]],
  ["A flight", [
    [KEYS.addPassenger, "Add a passenger; Enter adds the next one"],
    [KEYS.board, "In: board the passenger who has the focus"],
    [KEYS.offload, "Out: offload the passenger who has the focus"],
    [KEYS.correctName, "Correct the passenger's name"],
    [KEYS.disembark, "Go: the flight disembarks and departs"],
    [KEYS.land, "The flight has landed"],
    [KEYS.correctDetails, "Correct the flight's details"],
    [KEYS.up, "Back to all flights"],
    ["Scanner", "Find the passenger of a boarding pass"],
  ]],
  ["A passenger", [
    [KEYS.board, "Board"],
    [KEYS.offload, "Offload"],
    [KEYS.correctName, "Correct the name"],
    [KEYS.up, "Back to the flight"],
  ]],
  ["Audit log", [[KEYS.pause, "Pause or go on"]]],
];

/**
 * What is pressed, as {@link KEYS} call it; `null` for what can be no key of a view.
 * @param {Pick<KeyboardEvent, "key" | "code" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey">} event
 * @param {boolean} isTyping Whether the focus is where text is entered: there, Alt may be how a character is written.
 */
export function pressed({ key, code, altKey, ctrlKey, metaKey, shiftKey }, isTyping) {
  if (ctrlKey || metaKey) return null;
  if (!altKey) return isTyping ? null : key;
  if (shiftKey) return null;
  // On some keyboards Alt makes another character of a letter, and others have other letters.
  const written = /^[a-z]$/i.test(key) ? key : isTyping ? "" : /^Key([A-Z])$/.exec(code)?.[1];
  return written ? `Alt+${written.toUpperCase()}` : null;
}
