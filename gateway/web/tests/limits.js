/// <reference lib="deno.unstable" />

// A rule for the linter: how long a function may be.

/** Lines, from the beginning of a function to its end. */
export const LONGEST_FUNCTION = 80;

/** @type {Deno.lint.Plugin} */
export default {
  name: "limits",
  rules: {
    "function-length": {
      create(context) {
        /** @param {Deno.lint.Node} node */
        const measure = (node) => {
          const lines = context.sourceCode.getText(node).split("\n").length;
          if (lines > LONGEST_FUNCTION) {
            context.report({ node, message: `a function of ${lines} lines; ${LONGEST_FUNCTION} are enough` });
          }
        };
        return {
          FunctionDeclaration: measure,
          FunctionExpression: measure,
          ArrowFunctionExpression: measure,
        };
      },
    },
  },
};
