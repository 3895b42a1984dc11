// Dialogs: what is asked, what was refused, and that it is under way.
import { Problem } from "./api.js";
import { fill, h, keepFocus, setText } from "./dom.js";
import { messageOf } from "./notices.js";

/** @import { Child } from "./dom.js" */

let dialogs = 0;

/**
 * @typedef {object} DialogOptions
 * @property {string} title
 * @property {Child[]} body
 * @property {string} [cancel]
 * @property {string} [confirm] What the button that acts says; without it there is none.
 * @property {boolean} [isGrave] It cannot be taken back.
 * @property {() => Promise<void>} [act] The dialog closes when it is done; if it fails, the reason is shown, and one can
 *   try again.
 */

/** Opens a dialog. The focus goes back to where it was when it closes. @param {DialogOptions} options */
export function openDialog({ title, body, cancel = "Cancel", confirm, isGrave = false, act }) {
  const id = `dialog-${++dialogs}`;
  const refusal = h("div", { class: "refusal", role: "alert" });
  // Nothing to fill in, and nothing that would be lost.
  const isQuestion = !isGrave && !body.some((part) => part instanceof Element && part.matches(".field"));
  const confirmButton = confirm &&
    h(
      "button",
      { type: "submit", class: isGrave ? "primary grave" : "primary", autofocus: isQuestion },
      confirm,
    );
  const form = h(
    "form",
    { method: "dialog", novalidate: true },
    h("h2", { id }, title),
    ...body,
    refusal,
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", onclick: () => dialog.close() }, cancel),
      confirmButton,
    ),
  );
  const before = document.activeElement;
  const onclose = () => {
    dialog.remove();
    // The button that opened it may not be of use any more.
    keepFocus(before?.closest("li")?.querySelector("a"));
  };
  const dialog = h("dialog", { "aria-labelledby": id, onclose }, form);
  let isBusy = false;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy || !act) return;
    isBusy = true;
    form.setAttribute("aria-busy", "true");
    fill(refusal);
    try {
      await act();
      dialog.close();
    } catch (error) {
      showRefusal(error, form, refusal);
    } finally {
      isBusy = false;
      form.removeAttribute("aria-busy");
    }
  });

  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @param {unknown} error @param {HTMLFormElement} form @param {HTMLElement} refusal */
function showRefusal(error, form, refusal) {
  const problem = error instanceof Problem ? error : null;
  for (const note of form.querySelectorAll(".field-error")) setText(note, "");
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const unplaced = (problem?.errors ?? []).filter(({ pointer, detail }) => !markField(form, pointer, detail));
  const isAllPlaced = problem !== null && problem.errors.length > 0 && unplaced.length === 0;
  if (!isAllPlaced) {
    fill(
      refusal,
      h("p", {}, messageOf(error)),
      ...unplaced.map(({ pointer, parameter, detail }) => h("p", {}, `${pointer ?? parameter}: ${detail}`)),
      problem && nameList(problem.passengers, problem.missing),
    );
  }
  const invalid = form.querySelector("[aria-invalid]");
  if (invalid instanceof HTMLElement) invalid.focus();
}

/** @param {HTMLFormElement} form @param {string | undefined} pointer @param {string} detail */
function markField(form, pointer, detail) {
  const field = pointer ? form.elements.namedItem(pointer.slice(1)) : null;
  const note = field instanceof HTMLElement ? form.querySelector(`#${field.id}-error`) : null;
  if (!(field instanceof HTMLElement) || !note) return false;
  field.setAttribute("aria-invalid", "true");
  setText(note, detail.charAt(0).toUpperCase() + detail.slice(1));
  return true;
}

/** The passengers that a refusal names. @param {{name: string}[]} passengers @param {number} count */
export function nameList(passengers, count) {
  if (passengers.length === 0) return null;
  const more = count - passengers.length;
  return h(
    "ul",
    { class: "names" },
    ...passengers.map(({ name }) => h("li", {}, h("bdi", {}, name))),
    more > 0 && h("li", {}, `and ${more} more`),
  );
}

let fields = 0;

/**
 * A labelled field, with a place for what the server says about it.
 * @param {string} name As the API calls it.
 * @param {string} label
 * @param {Record<string, any>} [properties]
 * @param {string} [hint]
 */
export function field(name, label, properties = {}, hint) {
  const id = `field-${++fields}`;
  const input = h("input", {
    id,
    name,
    autocomplete: "off",
    "aria-describedby": hint ? `${id}-error ${id}-hint` : `${id}-error`,
    ...properties,
  });
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
    h("p", { class: "field-error", id: `${id}-error` }),
  );
  return { element, input };
}
