// Keys that change something take more than typing.
import { KEYS, pressed } from "../keys.js";
import { equal } from "./equal.js";

const plain = { altKey: false, ctrlKey: false, metaKey: false, shiftKey: false };
const alt = { ...plain, altKey: true };

Deno.test("letters do nothing by themselves, and those of browsers are left to them", () => {
  for (const [what, key] of Object.entries(KEYS)) {
    if (what === "search" || what === "help") continue;
    if (!/^Alt\+[ACGIJKLMNOPQRUWXYZ]$/.test(key)) throw new Error(`${what}: ${key}`);
  }
});

Deno.test("Alt and a letter is the same on every keyboard, and in a field where it writes nothing", () => {
  for (const isTyping of [false, true]) {
    equal(pressed({ ...alt, key: "i", code: "KeyI" }, isTyping), "Alt+I");
    equal(pressed({ ...alt, key: "I", code: "KeyG" }, isTyping), "Alt+I");
    equal(pressed({ ...alt, ctrlKey: true, key: "i", code: "KeyI" }, isTyping), null);
    equal(pressed({ ...alt, shiftKey: true, key: "I", code: "KeyI" }, isTyping), null);
    equal(pressed({ ...alt, key: "5", code: "Digit5" }, isTyping), null);
  }
  for (const key of ["ш", "ˆ", "Dead"]) {
    equal(pressed({ ...alt, key, code: "KeyI" }, false), "Alt+I");
    equal(pressed({ ...alt, key, code: "KeyI" }, true), null);
  }
  equal(pressed({ ...plain, key: "i", code: "KeyI" }, false), "i");
  equal(pressed({ ...plain, key: "i", code: "KeyI" }, true), null);
  equal(pressed({ ...plain, metaKey: true, key: "i", code: "KeyI" }, false), null);
});
