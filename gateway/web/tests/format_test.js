import { shortTime } from "../format.js";

Deno.test("the day is shown where it is not today", () => {
  const now = new Date(2026, 5, 1, 12);
  const today = shortTime(new Date(2026, 5, 1, 9, 5).toISOString(), { now });
  const tomorrow = shortTime(new Date(2026, 5, 2, 9, 5).toISOString(), { now });
  if (tomorrow === today || !tomorrow.endsWith(today)) throw new Error(`${today} and ${tomorrow}`);
});
