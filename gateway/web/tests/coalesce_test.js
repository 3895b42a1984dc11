import { coalesced } from "../coalesce.js";
import { equal } from "./equal.js";

/** Runs that end when they are told to. */
function controlled() {
  /** @type {PromiseWithResolvers<void>[]} */
  const runs = [];
  /** @type {(() => void)[]} */
  const waiting = [];
  const run = () => {
    const one = Promise.withResolvers();
    runs.push(one);
    waiting.splice(0).forEach((wake) => wake());
    return one.promise;
  };
  /** @param {number} count @returns {Promise<void>} */
  const begun = async (count) => {
    while (runs.length < count) await new Promise((resolve) => waiting.push(() => resolve(undefined)));
  };
  return { run, runs, begun };
}

Deno.test("who asks before a run begins shares it", async () => {
  const { run, runs, begun } = controlled();
  const ask = coalesced(run, { intervalMs: 0 });
  const [one, other] = [ask(), ask()];
  await begun(1);
  runs[0].resolve();
  await Promise.all([one, other]);
  equal(runs.length, 1);
});

Deno.test("a run that has begun already is not enough", async () => {
  const { run, runs, begun } = controlled();
  const ask = coalesced(run, { intervalMs: 3_600_000 });
  const first = ask();
  await begun(1);
  let isDone = false;
  const second = ask({ isUrgent: true }).then(() => {
    isDone = true;
  });
  runs[0].resolve();
  await first;
  equal(isDone, false);
  await begun(2);
  runs[1].resolve();
  await second;
});

Deno.test("a run that fails is repeated for all who asked", async () => {
  const { run, runs, begun } = controlled();
  const ask = coalesced(run, { intervalMs: 0 });
  const first = ask();
  await begun(1);
  const second = ask();
  runs[0].reject(new Error("away"));
  await begun(2);
  runs[1].resolve();
  await Promise.all([first, second]);
});
