// Adding passengers to a flight.
import { addPassenger } from "../actions.js";
import { Problem } from "../api.js";
import { fill, h } from "../dom.js";
import { messageOf, say } from "../notices.js";

/** @import { Answer, Command } from "../api.js" */

/**
 * Adds one passenger after the other, without waiting for the one before.
 * @param {string} flightId @param {() => string | null} cannot Why nobody can be added.
 * @param {(answer: Answer) => Promise<void>} shown
 */
export function passengerAdder(flightId, cannot, shown) {
  const input = h("input", {
    id: "add-passenger",
    autocomplete: "off",
    placeholder: "Ada Lovelace",
    "aria-keyshortcuts": "n",
    enterkeyhint: "done",
  });
  const button = h("button", { type: "submit" }, "Add");
  // Below the list: what comes and goes by itself must not move what somebody is about to click on.
  const waiting = h("ul", { class: "waiting", "aria-label": "Being added" });
  const failed = h("ul", { class: "failed", "aria-label": "Not added" });
  const element = h(
    "form",
    { class: "field adder", novalidate: true },
    h("label", { for: "add-passenger" }, "Add passenger"),
    h("div", { class: "joined" }, input, button),
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
        input.focus();
      };
      const again = () => {
        close();
        void send(name, command);
      };
      failed.append(row);
      fill(
        row,
        h("span", { role: "alert" }, h("bdi", {}, name), ` was not added: ${reasonOf(error)}`),
        h("button", { type: "button", onclick: again }, "Try again"),
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
