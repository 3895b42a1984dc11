// A field for a moment, in local time: where the clocks are changed, it asks which one is meant.
import { Faults, field } from "./dialogs.js";
import { h, setAttribute, setText } from "./dom.js";
import { momentsOf, offsetText, readLocal, SKIPPED } from "./local_time.js";

const NAMES = ["The first time, before the clocks go back", "The second time, after they have gone back"];

/**
 * @param {string} name @param {string} label @param {Record<string, any>} properties @param {string | undefined} hint
 * @param {string | null} before The moment that it shows at first.
 */
export function momentField(name, label, properties, hint, before) {
  const { element, input, note } = field(name, label, properties, hint);
  const choices = NAMES.map((_, at) => h("input", { type: "radio", name: `${name}-which`, value: at }));
  const texts = NAMES.map(() => h("span", {}));
  const which = h(
    "fieldset",
    { class: "which", hidden: true },
    h("legend", {}, "This time comes twice on that day"),
    ...choices.map((choice, at) => h("label", { class: "check" }, choice, texts[at])),
  );
  element.append(which);
  let asked = "";

  function look() {
    const moments = momentsOf(input.value);
    const isSkipped = moments?.length === 0;
    setText(note, isSkipped ? SKIPPED.charAt(0).toUpperCase() + SKIPPED.slice(1) : "");
    setAttribute(input, "aria-invalid", isSkipped ? "true" : null);
    which.hidden = moments?.length !== 2;
    if (!moments || which.hidden || input.value === asked) return;
    asked = input.value;
    for (const [at, { offset }] of moments.entries()) {
      setText(texts[at], ` ${NAMES[at]} (UTC${offsetText(offset)})`);
      choices[at].checked = before !== null && moments[at].at <= Date.parse(before) &&
        Date.parse(before) < moments[at].at + 60_000;
    }
  }

  input.addEventListener("input", look);
  look();
  return {
    element,
    /** What is to be sent. It fails where that is not clear. */
    read() {
      const entered = {
        local: input.value,
        isIncomplete: input.validity.badInput,
        chosen: choices.findIndex(({ checked }) => checked),
        before,
      };
      const read = readLocal(entered);
      if ("fault" in read) throw new Faults([{ pointer: `/${name}`, detail: read.fault }]);
      return read.moment;
    },
  };
}
