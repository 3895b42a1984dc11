// A passenger in a flight's manifest.
import { h, setAttribute, setText } from "../dom.js";
import { KEYS } from "../keys.js";
import { cannotBoard, cannotCorrectName, cannotOffload } from "../rules.js";
import { acting } from "../settling.js";
import { flash, showPassengerStatus } from "./widgets.js";

/** @import { Passenger } from "../model.js" */

/** What can be done to a passenger of the list. */
export const PASSENGER_ACTIONS = {
  board: { label: "Board", key: KEYS.board, cannot: cannotBoard },
  offload: { label: "Offload", key: KEYS.offload, cannot: cannotOffload },
  correct: { label: "Correct", key: KEYS.correctName, cannot: cannotCorrectName },
};

/** @typedef {keyof typeof PASSENGER_ACTIONS} PassengerAction */

/**
 * @param {(what: PassengerAction, passenger: Passenger) => string | null} cannot
 * @param {(what: PassengerAction, passenger: Passenger, isByHand: boolean) => void} act By hand: with mouse or finger.
 */
export function passengerRow(cannot, act) {
  const text = h("bdi", {});
  const name = h("a", { class: "name", tabindex: "-1" }, text);
  const badge = h("span", { class: "badge" });
  /** @type {Passenger} */
  let shown;

  /** @param {PassengerAction} what */
  const button = (what) =>
    h(
      "button",
      acting({
        class: what === "board" && "primary",
        "aria-keyshortcuts": PASSENGER_ACTIONS[what].key,
        onclick: (/** @type {MouseEvent} */ { detail }) => act(what, shown, detail > 0),
      }),
      PASSENGER_ACTIONS[what].label,
    );
  const whats = /** @type {PassengerAction[]} */ (Object.keys(PASSENGER_ACTIONS));
  const buttons = whats.map((what) => ({ what, element: button(what) }));
  const actions = h("span", { class: "row-actions" }, ...buttons.map(({ element }) => element));
  const element = h("li", {}, name, badge, actions);
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
      showPassengerStatus(badge, passenger.status);
      for (const { what, element } of buttons) {
        setAttribute(element, "aria-label", `${PASSENGER_ACTIONS[what].label} ${passenger.name}`);
        // A long list with the same reason in every row would say little: there is no button then.
        element.hidden = cannot(what, passenger) !== null;
      }
    },
  };
}
