// Finding text by what a person would call the same, among what is shown: by the keys of the server's search
// (shared/kernel/src/search.rs), for the scripts whose marks make no other letter.

const APOSTROPHES = /['`´ʹʻ-ʿˈˊˋ΄՚׳᾽᾿`´‘’‛′ꞌ]/gu;
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\u0640]/gu;
/** Marks of Latin, Greek and Cyrillic letters, and the points of Hebrew and Arabic ones. */
const MARKS =
  /[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]/gu;

/** Letters without a decomposition: what they look like, and what passports have for them. @type {Record<string, [string, string]>} */
const LETTERS = {
  ß: ["ss", "ss"],
  ς: ["σ", "σ"],
  ø: ["o", "oe"],
  æ: ["ae", "ae"],
  œ: ["oe", "oe"],
  þ: ["th", "th"],
  ð: ["d", "d"],
  đ: ["d", "d"],
  ħ: ["h", "h"],
  ı: ["i", "i"],
  ĸ: ["k", "q"],
  ł: ["l", "l"],
  ŋ: ["n", "n"],
  ŧ: ["t", "t"],
  ک: ["ك", "ك"],
  ی: ["ي", "ي"],
  ى: ["ي", "ي"],
};
const LETTER = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "gu");

/** @param {string} text */
const tidied = (text) =>
  text.replace(INVISIBLE, "").replace(MARKS, "").replace(/[\s\u2800]+/gu, " ").replace(/\p{Dash}/gu, "-")
    .trim()
    .normalize("NFC");

/** @param {string} text */
function keysOf(text) {
  const decomposed = text.normalize("NFD").replace(APOSTROPHES, "'").normalize("NFKD");
  const folded = decomposed.toLowerCase().normalize("NFKD");
  const lettersOf = (/** @type {string} */ text, /** @type {number} */ way) =>
    text.replace(LETTER, (letter) => LETTERS[letter][way]);
  const passport = tidied(lettersOf(folded.replace(/([aou])\u0308/g, "$1e").replace(/a\u030a/g, "aa"), 1));
  const words = passport.replace(/['.]/g, "").replace(/[ -]+/g, " ").replace(/a[ae]+/g, "a").replace(
    /([ou])e+/g,
    "$1",
  );
  return { plain: tidied(lettersOf(folded, 0)), passport, words: ` ${words.trim()} ` };
}

/**
 * Whether texts have what is searched for in one of them. An empty search finds everything, one for marks alone nothing.
 * @param {string} searched @returns {(...texts: string[]) => boolean}
 */
export function finder(searched) {
  if (searched.trim() === "") return () => true;
  const wanted = keysOf(searched);
  if (wanted.plain === "") return () => false;
  const isIn = (/** @type {string} */ text) => {
    const found = keysOf(text);
    return found.plain.includes(wanted.plain) || found.passport.includes(wanted.passport) ||
      wanted.words.trim() !== "" && found.words.includes(wanted.words);
  };
  return (...texts) => texts.some(isIn);
}
