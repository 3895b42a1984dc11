/// <reference lib="deno.unstable" />

import limits, { LONGEST_FUNCTION } from "./limits.js";
import { equal } from "./equal.js";

/**
 * What is said about a source.
 *
 * @param {string} source
 */
const said = (source) => Deno.lint.runPlugin(limits, "some.js", source).map(({ message }) => message);

Deno.test("functions that are too long are found in every form", () => {
  for (const lines of [LONGEST_FUNCTION, LONGEST_FUNCTION + 1]) {
    const body = `{${"\n".repeat(lines - 1)}}`;
    const expected = lines > LONGEST_FUNCTION ? ["a function of 81 lines; 80 are enough"] : [];
    for (
      const source of [
        `function some() ${body}`,
        `export const some = () => ${body};`,
        `const some = { other() ${body} };`,
        `class Some { other() ${body} }`,
      ]
    ) {
      equal(said(source), expected);
    }
  }
});
