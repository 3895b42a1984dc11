// What people do to flights and passengers. Each is one command: pressed twice, sent again after a broken connection,
// it is carried out once.
import { Command, query } from "./api.js";
import { field, openDialog } from "./dialogs.js";
import { askedDetails, enteredDetails } from "./flight_details.js";
import { refreshFlight } from "./flights.js";
import { bdi, h } from "./dom.js";
import { boarding, plural, route } from "./model.js";
import { momentField } from "./moment_field.js";
import { learnName } from "./names.js";
import { notify, notifyError, say } from "./notices.js";
import { navigate } from "./router.js";

/** @import { Child } from "./dom.js" */
/** @import { Flight, Manifest, Passenger } from "./model.js" */
/** @import { Answer } from "./api.js" */

/** What is being sent at this moment, by what it is about. @type {Set<string>} */
const underWay = new Set();

/**
 * Does something unless the same is under way already.
 * @param {string} what
 * @param {() => Promise<void>} act
 */
async function onlyOnce(what, act) {
  if (underWay.has(what)) return;
  underWay.add(what);
  try {
    await act();
  } finally {
    underWay.delete(what);
  }
}

/**
 * A command that stays the same one as long as what is asked for stays the same: another attempt in a dialog must not
 * do it a second time.
 * @param {"POST" | "PUT" | "DELETE"} method @param {string} path
 */
function repeatable(method, path) {
  /** @type {{asked: string, command: Command} | null} */
  let last = null;
  return (/** @type {unknown} */ body, /** @type {string | null} */ etag = null) => {
    const asked = JSON.stringify([body, etag]);
    if (last?.asked !== asked) last = { asked, command: new Command(method, path, body, { etag }) };
    return last.command.send();
  };
}

/** Fields for the details of a flight, and what is to be sent. @param {Flight} [before] */
function detailFields(before) {
  const fields = askedDetails(before).map(({ name, label, properties, hint, isMoment }) => {
    if (isMoment) return momentField(name, label, properties, hint, before?.scheduledDeparture ?? null);
    const { element, input } = field(name, label, properties, hint);
    return { element, read: () => input.value };
  });
  return {
    elements: fields.map(({ element }) => element),
    entered: () => enteredDetails(fields.map(({ read }) => read())),
  };
}

/** @param {Record<string, unknown>} one @param {Record<string, unknown>} other */
const isSame = (one, other) => Object.keys(one).every((name) => one[name] === other[name]);

export function createFlight() {
  const fields = detailFields();
  const send = repeatable("POST", "/api/flights");
  openDialog({
    title: ["New flight"],
    body: fields.elements,
    confirm: "Create flight",
    async act() {
      const { body: flight } = await send(fields.entered());
      await refreshFlight(flight.id);
      navigate(`/flights/${flight.id}`);
      notify([bdi(flight.flightNumber), " is there. Add its passengers."]);
    },
  });
}

/** @param {Flight} shown */
export function correctFlight(shown) {
  return onlyOnce(`details ${shown.id}`, async () => {
    let answer;
    try {
      answer = await query(`/api/flights/${shown.id}`);
    } catch (error) {
      notifyError(error, bdi(shown.flightNumber), " could not be read");
      return;
    }
    /** @type {Flight} */
    const before = answer.body;
    const fields = detailFields(before);
    const path = `/api/flights/${before.id}`;
    const send = repeatable("PUT", path);
    openDialog({
      title: ["Details of ", bdi(before.flightNumber)],
      body: fields.elements,
      confirm: "Correct details",
      async act() {
        const { id: _, status: __, ...details } = before;
        const entered = fields.entered();
        // Where nothing was corrected, there is nothing to record.
        if (isSame(entered, details)) return;
        await send(entered, answer.etag);
        await refreshFlight(before.id);
        notify("Details corrected.", {
          undo: () => void carryOut(new Command("PUT", path, details), before.id, "Not undone", "Undone."),
        });
      },
    });
  });
}

/**
 * Sends a command, and says how it went once the page shows it.
 * @param {Command} command @param {string} flightId @param {string} failure @param {string} success
 */
async function carryOut(command, flightId, failure, success) {
  try {
    await command.send();
    await refreshFlight(flightId);
    notify(success);
  } catch (error) {
    notifyError(error, failure);
  }
}

/**
 * Asks whether something is to be done to a flight for which nothing has to be entered, and does it.
 * @param {Flight} flight
 * @param {"POST" | "DELETE"} method
 * @param {string} path Below that of the flight.
 * @param {{ title: Child[], text: Child[][], confirm: string, isGrave?: boolean, done: string, after?: () => void }} words
 */
function askFirst(flight, method, path, { text, done, after, ...dialog }) {
  const send = repeatable(method, `/api/flights/${flight.id}${path}`);
  openDialog({
    ...dialog,
    isFinal: true,
    body: text.map((sentence) => h("p", {}, ...sentence)),
    async act() {
      await send(undefined);
      await refreshFlight(flight.id);
      after?.();
      notify([bdi(flight.flightNumber), done]);
    },
  });
}

/** @param {Flight} flight @param {Manifest} manifest */
export function disembarkFlight(flight, manifest) {
  const passengers = plural(boarding(manifest.counts).boarded, "passenger");
  askFirst(flight, "POST", "/disembark", {
    title: ["Disembark ", bdi(flight.flightNumber), "?"],
    text: [
      [bdi(flight.flightNumber), ", ", bdi(route(flight)), `, departs with ${passengers} on board.`],
      ["Its manifest is sealed: from then on nobody can be added, boarded or offloaded."],
    ],
    confirm: "Disembark (departs)",
    done: " has departed.",
  });
}

/** @param {Flight} flight @param {Manifest} manifest */
export function landFlight(flight, manifest) {
  const passengers = plural(boarding(manifest.counts).boarded, "passenger");
  askFirst(flight, "POST", "/land", {
    title: ["Has ", bdi(flight.flightNumber), " landed?"],
    text: [[`Its ${passengers} arrive in `, bdi(flight.destination), ", and its manifest is closed."]],
    confirm: "Landed",
    done: " has landed.",
  });
}

/** @param {Flight} flight @param {Manifest} manifest */
export function deleteFlight(flight, manifest) {
  const { counts } = manifest;
  const passengers = counts.checkedIn + counts.boarded + counts.arrived + counts.offloaded;
  const withThem = passengers === 0 ? "" : `, and its ${plural(passengers, "passenger")} with it`;
  askFirst(flight, "DELETE", "", {
    title: ["Delete ", bdi(flight.flightNumber), "?"],
    text: [
      [bdi(flight.flightNumber), ` is deleted${withThem}.`],
      ["This cannot be undone. The audit log keeps what has happened."],
    ],
    confirm: "Delete flight",
    isGrave: true,
    after: () => navigate("/"),
    done: " was deleted.",
  });
}

/**
 * Adds a passenger with a command of its own, which the caller can send again.
 * @param {string} flightId @param {string} name
 */
export const addPassenger = (flightId, name) => new Command("POST", "/api/passengers", { flightId, name });

/**
 * @param {Passenger} passenger
 * @param {(answer: Answer) => Promise<void>} shown Called when it is done, until the page shows it.
 */
export function boardPassenger(passenger, shown) {
  return onlyOnce(passenger.id, async () => {
    try {
      await shown(await new Command("POST", `/api/passengers/${passenger.id}/board`).send());
      say(`${passenger.name} has boarded.`);
    } catch (error) {
      notifyError(error, bdi(passenger.name), " was not boarded");
    }
  });
}

const REASONS = ["No-show", "Denied boarding", "Own wish", "Added by mistake"];

/** @param {Passenger} passenger @param {(answer: Answer) => Promise<void>} shown */
export function offloadPassenger(passenger, shown) {
  const list = `reasons-${passenger.id}`;
  const reason = field(
    "reason",
    "Reason",
    { list, maxlength: 100 },
    "For the audit log; without personal details",
  );
  const send = repeatable("POST", `/api/passengers/${passenger.id}/offload`);
  openDialog({
    title: ["Offload passenger?"],
    body: [
      h("p", {}, h("bdi", {}, passenger.name), " is taken off the flight. This cannot be undone."),
      reason.element,
      h("datalist", { id: list }, ...REASONS.map((value) => h("option", { value }))),
    ],
    confirm: "Offload",
    isGrave: true,
    async act() {
      await shown(await send({ reason: reason.input.value }));
      notify([bdi(passenger.name), " was offloaded."]);
    },
  });
}

/** @param {Passenger} passenger @param {(answer: Answer) => Promise<void>} shown */
export function correctName(passenger, shown) {
  const name = field("name", "Name", { value: passenger.name });
  const path = `/api/passengers/${passenger.id}`;
  const send = repeatable("PUT", path);
  openDialog({
    title: ["Correct name"],
    body: [name.element],
    confirm: "Correct name",
    async act() {
      // Where nothing was corrected, there is nothing to record.
      if (name.input.value === passenger.name) return;
      await shown(await send({ name: name.input.value }));
      learnName(passenger.id, name.input.value.trim());
      const back = new Command("PUT", path, { name: passenger.name });
      notify("Name corrected.", {
        undo: async () => {
          try {
            await shown(await back.send());
            learnName(passenger.id, passenger.name);
            notify("The name is as it was.");
          } catch (error) {
            notifyError(error, "Not undone");
          }
        },
      });
    },
  });
  name.input.select();
}
