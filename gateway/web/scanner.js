// Tells a bar code scanner from a person: it types like a keyboard, faster than people do, and ends with Enter.

/** What people need from key to key, at least, in milliseconds. */
export const FASTEST_TYPING_MS = 50;
/** The longest time between two keys of a scanner: the machine may have been busy in between. */
export const LONGEST_GAP_MS = 150;
/** Two or three keys may be hit at once by a person. */
const SHORTEST = 4;
/** More characters than any bar code has. */
const LONGEST = 4_096;

/** The characters that have come in one go. */
export class Burst {
  #text = "";
  #first = 0;
  #last = -Infinity;

  /** Takes a character, and tells whether it is the first one. @param {string} character @param {number} at In milliseconds. */
  type(character, at) {
    const isFirst = at - this.#last > LONGEST_GAP_MS;
    if (isFirst) this.#first = at;
    this.#text = isFirst ? character : (this.#text + character).slice(0, LONGEST);
    this.#last = at;
    return isFirst;
  }

  /** Takes Enter: what was scanned, or `null` if that was a person. @param {number} at In milliseconds. */
  end(at) {
    const text = this.#text;
    const isInOneGo = at - this.#last <= LONGEST_GAP_MS;
    this.#text = "";
    this.#last = -Infinity;
    const isFast = at - this.#first <= text.length * FASTEST_TYPING_MS;
    return isInOneGo && isFast && text.length >= SHORTEST ? text : null;
  }
}
