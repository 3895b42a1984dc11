import { fromLocalInput, shortTime, toLocalInput } from "../format.js";
import { equal } from "./equal.js";

Deno.test("a field shows local time, and means the same moment", () => {
  for (const moment of ["2026-03-29T01:30:00.000Z", "2026-07-01T22:15:00.000Z", "2026-12-31T23:59:00.000Z"]) {
    equal(fromLocalInput(toLocalInput(moment)), moment);
  }
  equal(fromLocalInput(toLocalInput("2026-07-01T10:15:00+02:00")), "2026-07-01T08:15:00.000Z");
});

Deno.test("an empty field is no departure, and nonsense goes to the server as it is", () => {
  equal(toLocalInput(null), "");
  equal(fromLocalInput(""), null);
  equal(fromLocalInput("soon"), "soon");
});

Deno.test("the day is shown where it is not today", () => {
  const now = new Date(2026, 5, 1, 12);
  const today = shortTime(new Date(2026, 5, 1, 9, 5).toISOString(), { now });
  const tomorrow = shortTime(new Date(2026, 5, 2, 9, 5).toISOString(), { now });
  if (tomorrow === today || !tomorrow.endsWith(today)) throw new Error(`${today} and ${tomorrow}`);
});
