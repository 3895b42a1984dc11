// What people are told about parked events.
import { outcome, storedText, summary } from "../views/parked.js";
import { equal } from "./equal.js";

/** @param {number} shown @param {number} total @param {{domain: string, detail: string}[]} unreachable */
const listed = (shown, total, unreachable) => ({ items: Array(shown).fill(null), total, unreachable });

Deno.test("how many are parked is said, and of which domains it is not known", () => {
  equal(summary(listed(0, 0, [])), "None: every event could be processed.");
  equal(
    summary(listed(1, 1, [])),
    "1 event parked: each could not be processed, or comes after one that could not.",
  );
  equal(
    summary(listed(100, 150, [{ domain: "flight", detail: "its processor cannot be reached" }])),
    "150 events parked: each could not be processed, or comes after one that could not. The first 100 are shown." +
      " Of flight events it is not known: its processor cannot be reached.",
  );
});

Deno.test("a replay is summed up over all readers", () => {
  const done = { domain: "flight", reader: "flight-projection", replayed: 2, stillParked: 1, beyondLimit: 0 };
  equal(outcome([done]), "2 events processed. Still parked: 1.");
  const others = [
    { ...done, reader: "flight-reactions", replayed: 1, stillParked: 0, beyondLimit: 7 },
    { domain: "passenger", detail: "its processor cannot be reached" },
  ];
  equal(
    outcome([done, ...others]),
    "3 events processed. Still parked: 1. Not tried yet: 7. passenger: its processor cannot be reached.",
  );
});

Deno.test("what is stored of an event is shown as it is, and JSON in lines", () => {
  equal(storedText("{"), "{");
  equal(storedText({ a: 1 }), '{\n  "a": 1\n}');
  equal(storedText(null), "null");
  equal(storedText(""), "Nothing is stored.");
});
