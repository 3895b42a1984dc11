// Scanners, and what people do that looks like them.
import { flightKey, mayBeCalled, readBoardingPass } from "../boarding_pass.js";
import { Burst, FASTEST_TYPING_MS } from "../scanner.js";
import { oneLine } from "../pasting.js";
import { equal } from "./equal.js";

const PASS = "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100";

/** @param {string} text @param {number} gapMs @param {number} [enterMs] */
function typed(text, gapMs, enterMs = gapMs) {
  const burst = new Burst();
  let at = 1_000;
  for (const character of text) burst.type(character, at += gapMs);
  return burst.end(at + enterMs);
}

Deno.test("what comes fast and ends with Enter was scanned", () => {
  for (const text of [PASS, PASS.toLowerCase(), "diana", "de wit", "4006381333931"]) {
    for (const gapMs of [0, 1, 10, FASTEST_TYPING_MS]) equal(typed(text, gapMs), text);
    for (const gapMs of [FASTEST_TYPING_MS + 1, 80, 200]) equal(typed(text, gapMs), null);
    // The machine may have been busy for a moment, but a person who presses Enter later is a person.
    equal([typed(text, 5, 100), typed(text, 5, 200)], [text, null]);
  }
  equal(typed("bob", 5), null);
  equal(typed("", 5), null);
});

Deno.test("a pause begins anew", () => {
  const burst = new Burst();
  equal([burst.type("a", 0), burst.type("b", 200), burst.type("c", 220)], [true, true, false]);
  for (const [at, character] of [..."defg"].entries()) burst.type(character, 230 + at);
  equal(burst.end(240), "bcdefg");
  equal(burst.end(241), null);
  equal(burst.type("a", 242), true);
});

Deno.test("a boarding pass is read in any case, with all of its flights", () => {
  const expected = { name: "DESMARAIS/LUC", flights: ["AC834"] };
  equal(readBoardingPass(PASS), expected);
  equal(readBoardingPass(PASS.toLowerCase()), expected);
  const two = "M2LOVELACE/ADA MRS    EABC123 HAMOSLJB 0101 326Y012C0001 13A" +
    ">".padEnd(58, "X") + "DEF456 OSLJFKJB 0007A327Y001A0002 100";
  equal(readBoardingPass(two), { name: "LOVELACE/ADA MRS", flights: ["JB101", "JB7A"] });
  for (
    const text of [
      "diana",
      "M",
      "M1",
      "M9",
      PASS.slice(0, 40),
      PASS.slice(1),
      `${PASS}`.replace("YUL", "Y1L"),
      "4006381333931",
    ]
  ) {
    equal(readBoardingPass(text), null);
  }
});

Deno.test("flights that mean the same are the same", () => {
  for (const number of ["JB 101", "jb101", "JB0101", "JB-0101", "JB 101 "]) equal(flightKey(number), "JB101");
  equal([flightKey("U2 0042"), flightKey("JB 1010"), flightKey("JB 0")], ["U242", "JB1010", "JB0"]);
});

Deno.test("names are found as they are printed", () => {
  for (
    const [passenger, printed] of [
      ["Ada Lovelace", "LOVELACE/ADA"],
      ["Ada Lovelace", "LOVELACE/ADAMRS"],
      ["Ada Lovelace", "LOVELACE/ADA MRS"],
      ["Ada King Lovelace", "LOVELACE/ADA"],
      ["Jan de Wit", "DEWIT/JAN"],
      ["Zoë Åström", "ASTROM/ZOE"],
      ["Wolfeschlegelsteinhausen Hubert", "WOLFESCHLEGELSTEINHA"],
      ["Suharto", "SUHARTO/MR"],
    ]
  ) equal([passenger, printed, mayBeCalled(passenger, printed)], [passenger, printed, true]);
  for (
    const [passenger, printed] of [["Ada Lovelace", "LOVELACE/BOB"], ["Ada", "LOVELACE/ADA"], ["Ada", "/"]]
  ) {
    equal(mayBeCalled(passenger, printed), false);
  }
});

Deno.test("several lines are not one", () => {
  equal(["Ada", "Ada\n", "\r\nAda\r\n\r\n", ""].map(oneLine), ["Ada", "Ada", "Ada", ""]);
  equal(["Ada\nGrace", "Ada\r\n\r\nGrace", "Ada\u2028Grace"].map(oneLine), [null, null, null]);
});
