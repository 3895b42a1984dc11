import { finder } from "../search.js";
import { equal } from "./equal.js";

/** @param {string} searched @param {string} text */
const finds = (searched, text) => finder(searched)(text);

Deno.test("spellings that people do not tell apart find each other", () => {
  const alike = [
    ["Müller", "Mu\u0308ller", "muller", "MUELLER", "MÜLLER"],
    ["Søren Ærø", "soren aero", "SOEREN AEROE"],
    ["Weiß", "WEISS", "weiss"],
    ["O’Brien", "O'Brien", "O`BRIEN"],
    ["Anne–Marie", "anne-marie"],
    ["Åse", "Ase", "AASE"],
    ["Łukasz", "lukasz"],
    ["ΝΙΚΟΣ", "Νίκος"],
    ["ＫＬ１２３", "kl123"],
    ["a\u00adda", "Ada"],
  ];
  for (const spellings of alike) {
    for (const searched of spellings) {
      for (const text of spellings) equal([searched, text, finds(searched, text)], [searched, text, true]);
    }
  }
});

Deno.test("a part is found, and nothing else", () => {
  equal(finds("love", "Ada Lovelace"), true);
  equal(finds("sue", "Susan"), false);
  equal(finds("bob", "Ada Lovelace"), false);
  equal(finder("jfk")("KL 1", "AMS", "JFK"), true);
});

Deno.test("an empty search finds everything, and one for marks nothing", () => {
  equal(finds("  ", "Ada"), true);
  equal(finds("\u0301", "Ada"), false);
});
