// What the tests of this folder share.

/** @param {unknown} actual @param {unknown} expected */
export function equal(actual, expected) {
  const [one, other] = [actual, expected].map((value) => JSON.stringify(value, null, 1));
  if (one !== other) throw new Error(`expected\n${other}\nbut it is\n${one}`);
}
