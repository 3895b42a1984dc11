// What charts show of what was measured, and what they say about it.
import { inSteps, pathOf, rates, scaleOf, STEPS, summaryOf, together } from "../chart.js";
import { equal } from "./equal.js";

/** The last values, with nothing before them. @param {(number | null)[]} last */
const ending = (...last) => [...Array(STEPS - last.length).fill(null), ...last];

Deno.test("what is counted becomes how much it is a second", () => {
  const { values } = rates({ ages: [20, 15, 10, 5, 0], values: [100, 110, 110, null, 130] });
  equal(values, [null, 2, 0, null, null]);
  // The process stood still, or it is another one.
  equal(rates({ ages: [60, 5, 0], values: [1, 50, 3] }).values, [null, null, null]);
  equal(rates({ ages: [], values: [] }).values, []);
});

Deno.test("samples of different moments come to the same steps", () => {
  equal(inSteps({ ages: [11.2, 6.2, 1.2], values: [1, 2, 3] }).slice(-3), [1, 2, 3]);
  // Not exactly five seconds apart: no gap, and none twice.
  equal(inSteps({ ages: [15.2, 10.1, 4.9, 0.1], values: [1, 2, 3, 4] }).slice(-4), [1, 2, 3, 4]);
  equal(inSteps({ ages: [22, 2], values: [7, 8] }).slice(-6), [7, 7, null, null, 8, 8]);
  equal(inSteps({ ages: [5_000], values: [1] }), ending());
  equal(inSteps({ ages: [5, 0], values: [null, 3] }).slice(-2), [null, 3]);
});

Deno.test("instances are summed up, or the worst of them counts", () => {
  const [one, other] = [ending(1, 2, null, null), ending(10, null, 30, null)];
  equal(together([one, other], "sum").slice(-4), [11, 2, 30, null]);
  equal(together([one, other], "max").slice(-4), [10, 2, 30, null]);
  equal(together([], "sum"), ending());
});

Deno.test("a scale ends with a round number that all is below", () => {
  for (const [most, end] of [[0, 1], [1, 1], [1.2, 2], [3, 5], [5, 5], [7, 10], [120, 200], [600, 1_000]]) {
    equal([most, scaleOf([null, most, 0])], [most, end]);
  }
  equal(scaleOf([]), 1);
});

Deno.test("the line has gaps where nothing is known", () => {
  const size = /** @type {[number, number]} */ ([40, 10]);
  equal(pathOf([0, 5, 10, null, 2], 10, size), "M0 10L0 10L10 5L20 0M40 8L40 8");
  equal(pathOf([null, null], 10, size), "");
});

Deno.test("a chart is said in words", () => {
  const events = { one: "event", many: "events" };
  equal(summaryOf(ending(), events), "Nothing is known yet.");
  equal(summaryOf(ending(120, 3, 0.25), events), "0.3 events now, at most 120.");
  equal(summaryOf(ending(120, 1), events), "1 event now, at most 120.");
  equal(summaryOf(ending(120, null, 3), events), "3 events now, at most 120, with gaps.");
  equal(summaryOf(ending(1_200, null, null, null), events), "Not known now, at most 1,200.");
});
