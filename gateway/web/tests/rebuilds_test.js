// What people are told about rebuilds.
import { stateText, summary } from "../views/rebuilds.js";
import { equal } from "./equal.js";

/** @param {Partial<import("../views/rebuilds.js").Rebuild>} is @returns {import("../views/rebuilds.js").Rebuild} */
const rebuild = (is) => ({
  readModel: "flights",
  status: "running",
  events: 10,
  of: 100,
  secondsLeft: null,
  askedBy: "an operator",
  askedAt: "2026-05-01T12:00:00Z",
  endedAt: null,
  ...is,
});

Deno.test("how a rebuild goes is said with the time that is left", () => {
  equal(stateText(rebuild({})), "Running.");
  equal(stateText(rebuild({ secondsLeft: 1 })), "Running: 1 second left.");
  equal(stateText(rebuild({ secondsLeft: 150 })), "Running: 3 minutes left.");
  equal(stateText(rebuild({ secondsLeft: 7200 })), "Running: 2 hours left.");
  equal(stateText(rebuild({ events: 100 })), "Running: it gets its indexes and catches up.");
  equal(stateText(rebuild({ status: "done" })), "Done: it is shown.");
  const failed = rebuild({ status: "failed", reason: "PostgreSQL refused the statement." });
  equal(stateText(failed), "Failed; what was shown before still is. PostgreSQL refused the statement.");
});

Deno.test("how many are running is said, and of which domains it is not known", () => {
  equal(summary({ items: [rebuild({ status: "done" })], total: 1, unreachable: [] }), "None is running.");
  equal(
    summary({ items: [rebuild({})], total: 1, unreachable: [{ domain: "flight", detail: "no answer" }] }),
    "1 read model being rebuilt. Of flight rebuilds it is not known: no answer.",
  );
});
