// A passenger in a flight's manifest.
import { h, setAttribute, setText } from "../dom.js";
import { PASSENGER_STATUS } from "../model.js";
import { flash } from "./board.js";

/** @import { Passenger } from "../model.js" */

/** @param {(what: "board" | "offload" | "correct", passenger: Passenger) => void} act */
export function passengerRow(act) {
  const text = h("bdi", {});
  const name = h("a", { class: "name", tabindex: "-1" }, text);
  const badge = h("span", { class: "badge" });
  /** @type {Passenger} */
  let shown;
  const button = (
    /** @type {"board" | "offload" | "correct"} */ what,
    /** @type {string} */ label,
    /** @type {string} */ key,
  ) =>
    h("button", {
      type: "button",
      "aria-keyshortcuts": key,
      onclick: (/** @type {MouseEvent} */ { currentTarget, detail }) => {
        const isForbidden = currentTarget instanceof Element && currentTarget.hasAttribute("aria-disabled");
        // The second click of a double click may find the next passenger in this place.
        if (!isForbidden && detail < 2) act(what, shown);
      },
    }, label);
  const board = button("board", "Board", "b");
  const offload = button("offload", "Offload", "o");
  const correct = button("correct", "Correct", "c");
  board.classList.add("primary");
  const element = h("li", {}, name, badge, h("span", { class: "row-actions" }, board, offload, correct));
  let isNew = true;

  return {
    element,
    /** @param {Passenger} passenger */
    update(passenger) {
      if (!isNew && shown.status !== passenger.status) flash(element);
      isNew = false;
      shown = passenger;
      element.dataset.passenger = passenger.id;
      element.dataset.status = passenger.status;
      name.href = `/passengers/${passenger.id}`;
      setText(text, passenger.name);
      setText(badge, PASSENGER_STATUS[passenger.status]);
      badge.dataset.status = passenger.status;
      for (
        const [one, label]
          of /** @type {const} */ ([[board, "Board"], [offload, "Offload"], [correct, "Correct"]])
      ) {
        setAttribute(one, "aria-label", `${label} ${passenger.name}`);
      }
      board.hidden = passenger.status !== "checkedIn";
      offload.hidden = !["checkedIn", "boarded"].includes(passenger.status);
    },
  };
}
