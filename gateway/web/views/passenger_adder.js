// Adding passengers to a flight.
import { addPassenger } from "../actions.js";
import { Problem } from "../api.js";
import { fill, h, setText } from "../dom.js";
import { KEYS } from "../keys.js";
import { messageOf, say } from "../notices.js";
import { acting } from "../settling.js";

/** @import { Answer, Command } from "../api.js" */

/**
 * Adds one passenger after the other, without waiting for the one before.
 * @param {string} flightId @param {() => string | null} cannot Why nobody can be added.
 * @param {(answer: Answer) => Promise<void>} shown
 * @param {() => void} moved What is below has moved.
 */
export function passengerAdder(flightId, cannot, shown, moved) {
  const input = h("input", {
    id: "add-passenger",
    autocomplete: "off",
    placeholder: "Ada Lovelace",
    "aria-keyshortcuts": KEYS.addPassenger,
    "aria-describedby": "add-passenger-error",
    enterkeyhint: "done",
  });
  const button = h("button", { ...acting(), type: "submit" }, "Add");
  // Below the list: what comes and goes by itself must not move what somebody is about to click on.
  const waiting = h("ul", { class: "waiting", "aria-label": "Being added" });
  const failed = h("ul", { class: "failed", "aria-label": "Not added" });
  const note = h("p", { class: "field-error", id: "add-passenger-error" });
  input.addEventListener("input", () => setText(note, ""));
  const element = h(
    "form",
    { class: "field adder", novalidate: true },
    h("label", { for: "add-passenger" }, "Add passenger"),
    h("div", { class: "joined" }, input, button),
    note,
  );

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!name || saysWhyNot()) return;
    input.value = "";
    void send(name, addPassenger(flightId, name));
  });

  function saysWhyNot() {
    const why = cannot();
    if (why !== null) say(why);
    return why !== null;
  }

  /** @param {string} name @param {Command} command */
  async function send(name, command) {
    const row = h("li", {}, h("bdi", {}, name), " …");
    waiting.append(row);
    try {
      await shown(await command.send());
      row.remove();
      say(`${name} was added.`);
    } catch (error) {
      const close = () => {
        row.remove();
        moved();
        input.focus();
      };
      const again = () => {
        close();
        void send(name, command);
      };
      failed.append(row);
      moved();
      fill(
        row,
        h("span", { role: "alert" }, h("bdi", {}, name), ` was not added: ${reasonOf(error)}`),
        h("button", acting({ onclick: again }), "Try again"),
        h("button", { type: "button", onclick: close }, "Dismiss"),
      );
    }
  }

  return {
    element,
    waiting,
    failed,
    focus() {
      if (!saysWhyNot()) input.focus();
    },
    show() {
      element.hidden = cannot() !== null;
    },
  };
}

/** @param {unknown} error */
function reasonOf(error) {
  const details = error instanceof Problem ? error.errors.map(({ detail }) => `the name ${detail}`) : [];
  return details.length > 0 ? `${details.join("; ")}.` : messageOf(error);
}
