// Dialogs: what is asked, what was refused, and that it is under way.
import { Problem } from "./api.js";
import { byId, fill, h, setText } from "./dom.js";
import { keepFocus } from "./focus.js";
import { messageOf, notifyError } from "./notices.js";
import { isSettling, settle } from "./settling.js";

/** @import { Child } from "./dom.js" */

let dialogs = 0;

/**
 * @typedef {object} DialogOptions
 * @property {Child[]} title
 * @property {Child[]} body
 * @property {string} [cancel]
 * @property {string} [confirm] What the button that acts says; without it there is none.
 * @property {boolean} [isFinal] It cannot be taken back, so it takes that button, or Ctrl+Enter in a field.
 * @property {boolean} [isGrave] It looks so, beyond being final.
 * @property {() => Promise<void>} [act] The dialog closes when it is done; if it fails, the reason is shown, and one can
 *   try again.
 */

/**
 * Opens a dialog. Its first field has the focus, or else the button that closes it. The button that acts reacts only
 * after a moment, so that nothing that was pressed before it was seen confirms it. The focus goes back to where it was
 * when the dialog closes.
 * @param {DialogOptions} options
 */
export function openDialog({ title, body, cancel = "Cancel", confirm, isFinal, isGrave = false, act }) {
  const id = `dialog-${++dialogs}`;
  const refusal = h("div", { class: "refusal", role: "alert" });
  const confirmButton = confirm &&
    h("button", { type: "submit", class: isGrave ? "primary grave" : "primary", "data-acts": true }, confirm);
  const form = h(
    "form",
    { method: "dialog", novalidate: true },
    // What there is only to read is read from its beginning.
    h("h2", { id, ...(confirm ? {} : { tabindex: -1, autofocus: true }) }, ...title),
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
  const places = [before?.closest("li")?.querySelector("a"), before?.closest("section")];
  const onclose = () => {
    dialog.remove();
    // What is behind it has just come to light, and the button that opened it may not be of use any more.
    settle(byId("view"));
    keepFocus(...places);
  };
  const dialog = h("dialog", { "aria-labelledby": id, onclose }, form);
  let isBusy = false;

  form.addEventListener("keydown", (event) => {
    const isField = event.target instanceof HTMLInputElement;
    if (!(isFinal || isGrave) || event.key !== "Enter" || !isField) return;
    event.preventDefault();
    if (event.ctrlKey && !event.repeat) form.requestSubmit(confirmButton || null);
    else fill(refusal, h("p", {}, `To confirm, press “${confirm}”, or Ctrl and Enter together.`));
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy || !act || !confirmButton || isSettling(confirmButton)) return;
    isBusy = true;
    form.setAttribute("aria-busy", "true");
    fill(refusal);
    try {
      await act();
      dialog.close();
    } catch (error) {
      if (dialog.open) showRefusal(error, form, refusal);
      else notifyError(error, form.querySelector("h2")?.textContent);
    } finally {
      isBusy = false;
      form.removeAttribute("aria-busy");
    }
  });

  document.body.append(dialog);
  dialog.showModal();
  if (confirmButton) settle(confirmButton);
  return dialog;
}

/** What is wrong with what was entered, before it is sent. */
export class Faults extends Error {
  /** @param {{pointer: string, detail: string}[]} errors As the server says them. */
  constructor(errors) {
    super("What was entered cannot be sent.");
    this.errors = errors;
  }
}

/** @param {unknown} error @param {HTMLFormElement} form @param {HTMLElement} refusal */
function showRefusal(error, form, refusal) {
  const problem = error instanceof Problem ? error : null;
  /** @type {{pointer?: string, parameter?: string, detail: string}[]} */
  const errors = problem?.errors ?? (error instanceof Faults ? error.errors : []);
  for (const note of form.querySelectorAll(".field-error")) setText(note, "");
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const unplaced = errors.filter(({ pointer, detail }) => !markField(form, pointer, detail));
  const isAllPlaced = errors.length > 0 && unplaced.length === 0;
  if (!isAllPlaced) {
    fill(
      refusal,
      h("p", {}, messageOf(error)),
      ...unplaced.map(({ pointer, parameter, detail }) => h("p", {}, `${pointer ?? parameter}: ${detail}`)),
      problem && nameList(problem.passengers, problem.missing),
      problem?.reference && problem.status >= 500 &&
        h("p", {}, h("small", {}, `Reference: ${problem.reference}`)),
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
  const note = h("p", { class: "field-error", id: `${id}-error` });
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
    note,
  );
  return { element, input, note };
}
