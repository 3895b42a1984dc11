// What local times mean where and when clocks are changed.
import { localOf, momentsOf, readLocal, SKIPPED } from "../local_time.js";
import { equal } from "./equal.js";

/** The offset of a zone, whatever that of this machine is. @param {string} timeZone */
const zone = (timeZone) => {
  const format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  return (/** @type {number} */ at) => {
    const name = format.formatToParts(at).find(({ type }) => type === "timeZoneName")?.value ?? "";
    const [, sign, hours, minutes] = /^GMT([+-])(\d\d):(\d\d)$/.exec(name) ?? ["", "+", "0", "0"];
    return (sign === "-" ? -1 : 1) * (60 * Number(hours) + Number(minutes));
  };
};
const amsterdam = zone("Europe/Amsterdam");
const untouched = { isIncomplete: false, chosen: -1, before: null };

Deno.test("an hour that is skipped is said not to exist", () => {
  for (
    const [local, offset] of /** @type {[string, (at: number) => number][]} */ ([
      ["2026-03-29T02:00", amsterdam],
      ["2026-03-29T02:59", amsterdam],
      ["2026-03-08T02:30", zone("America/New_York")],
      ["2026-10-04T02:15", zone("Australia/Lord_Howe")],
      ["2011-12-30T12:00", zone("Pacific/Apia")],
    ])
  ) {
    equal(momentsOf(local, offset), []);
    equal(readLocal({ ...untouched, local }, offset), { fault: SKIPPED });
  }
  equal(readLocal({ ...untouched, local: "2026-03-29T01:59" }, amsterdam), {
    moment: "2026-03-29T01:59:00+01:00",
  });
  equal(readLocal({ ...untouched, local: "2026-03-29T03:00" }, amsterdam), {
    moment: "2026-03-29T03:00:00+02:00",
  });
});

Deno.test("of an hour that comes twice it is asked which one is meant", () => {
  const local = "2026-10-25T02:30";
  equal(momentsOf(local, amsterdam)?.map(({ offset }) => offset), [120, 60]);
  const { fault } = /** @type {{fault: string}} */ (readLocal({ ...untouched, local }, amsterdam));
  if (!fault.startsWith("comes twice")) throw new Error(fault);
  for (const [chosen, moment] of ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"].entries()) {
    equal(readLocal({ ...untouched, local, chosen }, amsterdam), { moment });
    equal(localOf(moment, amsterdam), local);
  }
  equal(momentsOf("2026-10-25T01:59", amsterdam)?.length, 1);
  equal(momentsOf("2026-10-25T03:00", amsterdam)?.length, 1);
  // Half an hour, on the other side of the world.
  equal(momentsOf("2026-04-05T01:45", zone("Australia/Lord_Howe"))?.map(({ offset }) => offset), [660, 630]);
});

Deno.test("what has not been touched stays as it was, to the second and with its own offset", () => {
  for (
    const before of [
      "2026-05-04T06:15:30+02:00",
      "2026-05-04T18:15:30.123456+14:00",
      "2026-10-25T00:30:00Z",
      "2026-10-25T01:30:00Z",
      "2199-12-31T23:59:59-12:00",
    ]
  ) {
    const local = localOf(before, amsterdam);
    const moments = momentsOf(local, amsterdam) ?? [];
    const chosen = moments.findIndex(({ offset }) => offset === amsterdam(Date.parse(before)));
    equal(readLocal({ ...untouched, local, chosen, before }, amsterdam), { moment: before });
    const moved = `${local.slice(0, 10)}T12:34`;
    const { moment } = /** @type {{moment: string}} */ (readLocal(
      { ...untouched, local: moved, before },
      amsterdam,
    ));
    equal(moment.slice(0, 16), moved);
  }
  // The other of the two is another moment.
  const other = { ...untouched, local: "2026-10-25T02:30", chosen: 1, before: "2026-10-25T00:30:00Z" };
  equal(readLocal(other, amsterdam), { moment: "2026-10-25T02:30:00+01:00" });
});

Deno.test("nothing is no departure, a part is not nothing, and nonsense goes to the server as it is", () => {
  equal(readLocal({ ...untouched, local: "", before: "2026-05-04T06:15:30Z" }), { moment: null });
  const part = readLocal({ ...untouched, local: "", isIncomplete: true, before: "2026-05-04T06:15:30Z" });
  equal("fault" in part, true);
  for (
    const local of [
      "soon",
      "2026-02-30T10:00",
      "12026-05-04T10:00",
      "2026-05-04T10:00:30",
      "2026-13-01T10:00",
    ]
  ) {
    equal(readLocal({ ...untouched, local }), { moment: local });
  }
});

Deno.test("offsets are written as they are", () => {
  const local = "2026-05-04T10:00";
  for (
    const [offset, text]
      of /** @type {[number, string][]} */ ([[0, "+00:00"], [-210, "-03:30"], [765, "+12:45"]])
  ) {
    equal(readLocal({ ...untouched, local }, () => offset), { moment: `${local}:00${text}` });
  }
  // RFC 3339 has no seconds in offsets.
  equal(readLocal({ ...untouched, local }, () => -44.5), { moment: "2026-05-04T10:44:30.000Z" });
});
