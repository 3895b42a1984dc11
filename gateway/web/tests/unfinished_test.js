// What people are told about what is unfinished.
import { ageText } from "../format.js";
import { outcome, summary } from "../views/unfinished.js";
import { equal } from "./equal.js";

Deno.test("how much is unfinished is said, and of which domains it is not known", () => {
  equal(summary({ items: [], total: 0, unreachable: [] }), "Nothing.");
  equal(
    summary({
      items: [1],
      total: 2,
      unreachable: [{ domain: "flight", detail: "its processor cannot be reached" }],
    }),
    "2 things not brought about yet, the oldest of each domain first. The first 1 are shown." +
      " Of flight reactions it is not known: its processor cannot be reached.",
  );
});

Deno.test("each domain says whether it goes on", () => {
  const detail = "passenger-reactions: it does not wait for anybody's word.";
  equal(
    outcome([{ domain: "flight", resumed: true }, { domain: "passenger", detail }]),
    "flight reacts again. passenger: passenger-reactions: it does not wait for anybody's word.",
  );
});

Deno.test("an age is told in its largest unit", () => {
  const since = "2026-05-04T06:15:30Z";
  const at = (/** @type {number} */ seconds) => ageText(since, Date.parse(since) + seconds * 1_000);
  equal([-5, 0, 1, 59, 60, 3_599, 3_600, 86_399, 86_400, 200_000].map(at), [
    "0 seconds",
    "0 seconds",
    "1 second",
    "59 seconds",
    "1 minute",
    "59 minutes",
    "1 hour",
    "23 hours",
    "1 day",
    "2 days",
  ]);
});
