// Bar coded boarding passes, as IATA Resolution 792 describes them: who flies, and on which flights.

/**
 * @typedef {object} BoardingPass
 * @property {string} name As it is printed: `LOVELACE/ADA`.
 * @property {string[]} flights Carrier and number, without zeros in front: `AC834`.
 */

const NAME = { from: 2, to: 22 };
const LEGS_FROM = 23;
/** What each leg has: booking, airports, carrier, flight, day, class, seat, number, status, and the size of what follows. */
const LEG = /^.{7}[A-Z]{3}[A-Z]{3}([A-Z0-9 ]{3})(\d{4}[A-Z ])\d{3}.{10}.([0-9A-F]{2})/;
const LEG_LENGTH = 37;

/** Reads what was scanned, in any case; `null` if it is no boarding pass. @param {string} scanned @returns {BoardingPass | null} */
export function readBoardingPass(scanned) {
  const text = scanned.toUpperCase();
  const legs = Number(/^M([1-4])/.exec(text)?.[1] ?? 0);
  const name = text.slice(NAME.from, NAME.to).trim();
  if (legs === 0 || !/^\p{L}/u.test(name)) return null;
  const flights = [];
  let at = LEGS_FROM;
  for (let leg = 0; leg < legs; leg++) {
    const parts = LEG.exec(text.slice(at));
    if (!parts) return null;
    const [, carrier, number, size] = parts;
    flights.push(flightKey(carrier + number));
    at += LEG_LENGTH + Number.parseInt(size, 16);
  }
  return { name, flights };
}

/** A flight's number in the form in which those that mean the same are equal. @param {string} number */
export const flightKey = (number) =>
  number.toUpperCase().replaceAll(/[^A-Z0-9]/g, "").replace(/^([A-Z0-9]{2}[A-Z]?)0+(?=\d)/, "$1");

/**
 * Whether a passenger may be the one of a boarding pass, on which names are cut off, run together and end with titles.
 * @param {string} passenger Their name. @param {string} printed That of the pass.
 */
export function mayBeCalled(passenger, printed) {
  const [surname, given = ""] = printed.split("/");
  const [all, last] = [letters(passenger), letters(surname)];
  if (!last || !all.includes(last)) return false;
  const [others, first] = [all.replace(last, ""), letters(given.split(" ")[0])];
  return others.startsWith(first) || first.startsWith(others);
}

/** @param {string} text */
const letters = (text) => text.normalize("NFD").toUpperCase().replaceAll(/[^\p{L}]/gu, "");
