// Every rule with every combination of what it looks at. What is expected is written down as tables of their own.
import { FLIGHT_STATUS, PASSENGER_STATUS } from "../model.js";
import * as rules from "../rules.js";
import { take } from "../session.js";
import { equal } from "./equal.js";

/** @import { Counts, FlightStatus, Manifest, PassengerStatus } from "../model.js" */
/** @import { Reason } from "../rules.js" */
/** @import { Role } from "../roles.js" */

const FLIGHT_STATUSES = /** @type {FlightStatus[]} */ (Object.keys(FLIGHT_STATUS));
const PASSENGER_STATUSES = /** @type {PassengerStatus[]} */ (Object.keys(PASSENGER_STATUS));
const MANIFEST_STATES = /** @type {const} */ (["open", "sealed", "closed"]);

/** @param {FlightStatus} status */
const flight = (status) => ({ status });
/** @param {Manifest["state"]} state @param {Partial<Counts>} [counts] */
const manifest = (state, counts) => ({
  state,
  counts: { checkedIn: 0, boarded: 0, arrived: 0, offloaded: 0, ...counts },
});
/** @param {PassengerStatus} status */
const passenger = (status) => ({ name: "Ada", status });

const DEPARTED = "The flight has departed: its manifest cannot be changed.";
const DEPARTING = "The flight is departing: its manifest cannot be changed.";
const CLOSED = "The manifest is closed: it cannot be changed.";

/** Why a manifest cannot be changed. @type {Record<FlightStatus, Record<Manifest["state"], Reason>>} */
const NO_CHANGE = {
  waitingForBoarding: { open: null, sealed: DEPARTING, closed: CLOSED },
  allBoarded: { open: null, sealed: DEPARTING, closed: CLOSED },
  disembarked: { open: DEPARTED, sealed: DEPARTED, closed: DEPARTED },
  arrived: { open: DEPARTED, sealed: DEPARTED, closed: DEPARTED },
};

/** What a passenger's own status rules out. @type {Record<string, Record<PassengerStatus, Reason>>} */
const BY_PASSENGER = {
  cannotBoard: {
    checkedIn: null,
    boarded: "\u2068Ada\u2069 is on board already.",
    arrived: "\u2068Ada\u2069 has arrived.",
    offloaded: "\u2068Ada\u2069 was offloaded.",
  },
  cannotOffload: {
    checkedIn: null,
    boarded: null,
    arrived: "\u2068Ada\u2069 has arrived.",
    offloaded: "\u2068Ada\u2069 was offloaded.",
  },
  cannotCorrectName: { checkedIn: null, boarded: null, arrived: null, offloaded: null },
  cannotAddPassenger: { checkedIn: null, boarded: null, arrived: null, offloaded: null },
};

/** What a flight's status alone rules out. @type {Record<string, Record<FlightStatus, Reason>>} */
const BY_FLIGHT = {
  cannotCorrectDetails: {
    waitingForBoarding: null,
    allBoarded: null,
    disembarked: "Details cannot be corrected: it has departed.",
    arrived: "Details cannot be corrected: it has departed.",
  },
  cannotLand: {
    waitingForBoarding: "Cannot land: it is at the gate.",
    allBoarded: "Cannot land: it is at the gate.",
    disembarked: null,
    arrived: "Cannot land: it has landed.",
  },
  cannotDelete: {
    waitingForBoarding: null,
    allBoarded: null,
    disembarked: "Cannot be deleted: it is in the air.",
    arrived: null,
  },
};

/** Why a flight at the gate cannot disembark. @type {[Partial<Counts>, Record<Manifest["state"], Reason>][]} */
const NO_DEPARTURE = [
  [{}, "Nobody is on board."],
  [{ offloaded: 2 }, "Nobody is on board."],
  [{ checkedIn: 1 }, "1 passenger has not boarded."],
  [{ checkedIn: 1, boarded: 5 }, "1 passenger has not boarded."],
  [{ checkedIn: 2, offloaded: 1 }, "2 passengers have not boarded."],
  [{ boarded: 1 }, null],
  [{ boarded: 3, offloaded: 1 }, null],
].map(([counts, why]) => [/** @type {Partial<Counts>} */ (counts), {
  open: why && `Cannot disembark: ${why}`,
  sealed: null,
  closed: "Cannot disembark: its manifest is closed.",
}]);

/** @param {string} name @returns {import("../rules.js").Rule} */
const rule = (name) => /** @type {any} */ (rules)[name];

const NO_FLIGHTS = "Only dispatchers and admins may add and change flights.";
const NO_PASSENGERS = "Only agents, dispatchers and admins may add and change passengers.";
const NO_AUDIT_LOG = "Only auditors and admins may read the audit log.";
const NO_OPERATING = "Only admins may see what is unfinished or parked, and do something about it.";
const FORBIDDEN = ["mayNotChangeFlights", "mayNotChangePassengers", "mayNotReadAuditLog", "mayNotOperate"];

/** What a role leaves to others, in the order of {@link FORBIDDEN}. @type {Record<Role, Reason[]>} */
const BY_ROLE = {
  viewer: [NO_FLIGHTS, NO_PASSENGERS, NO_AUDIT_LOG, NO_OPERATING],
  agent: [NO_FLIGHTS, null, NO_AUDIT_LOG, NO_OPERATING],
  dispatcher: [null, null, NO_AUDIT_LOG, NO_OPERATING],
  auditor: [NO_FLIGHTS, NO_PASSENGERS, null, NO_OPERATING],
  admin: [null, null, null, null],
};

/** As somebody with these roles. @param {Role[]} roles @param {() => void} test */
function as(roles, test) {
  const nobody = { authentication: [], signIn: [], subject: null, name: null, roles: [], until: null };
  take({ ...nobody, authentication: ["keys"], subject: "key:Ada", roles });
  try {
    test();
  } finally {
    take(nobody);
  }
}

for (const [role, expected] of Object.entries(BY_ROLE)) {
  Deno.test(`${role}: what others have to do`, () => {
    as([/** @type {Role} */ (role)], () => {
      equal(FORBIDDEN.map((name) => rule(name)(null, null, null)), expected);
    });
  });
}

Deno.test("several roles are all of them together, and none is nothing", () => {
  as(["agent", "auditor"], () => {
    equal(FORBIDDEN.map((name) => rule(name)(null, null, null)), [NO_FLIGHTS, null, null, NO_OPERATING]);
  });
  as([], () => equal(FORBIDDEN.map((name) => rule(name)(null, null, null)), BY_ROLE.viewer));
});

Deno.test("who may not do it at all hears that, and not why it cannot be done now", () => {
  as(["viewer"], () => {
    for (const name of Object.keys(BY_FLIGHT).concat("cannotDisembark")) {
      equal([name, rule(name)(flight("disembarked"), manifest("closed"), null)], [name, NO_FLIGHTS]);
    }
    for (const name of Object.keys(BY_PASSENGER)) {
      equal([name, rule(name)(flight("arrived"), manifest("closed"), passenger("arrived"))], [
        name,
        NO_PASSENGERS,
      ]);
    }
  });
});

Deno.test("every rule is tested here", () => {
  const tested = [...Object.keys(BY_PASSENGER), ...Object.keys(BY_FLIGHT), "cannotDisembark", ...FORBIDDEN];
  equal(Object.keys(rules).sort(), tested.sort());
});

for (const [name, expected] of Object.entries(BY_PASSENGER)) {
  Deno.test(`${name}: the manifest comes first, and then the passenger`, () => {
    for (const flightStatus of FLIGHT_STATUSES) {
      for (const state of MANIFEST_STATES) {
        for (const status of PASSENGER_STATUSES) {
          const reason = rule(name)(flight(flightStatus), manifest(state), passenger(status));
          equal([flightStatus, state, status, reason], [
            flightStatus,
            state,
            status,
            NO_CHANGE[flightStatus][state] ?? expected[status],
          ]);
        }
      }
    }
  });

  Deno.test(`${name}: of a flight that is not known the passenger is all that counts`, () => {
    for (const status of PASSENGER_STATUSES) {
      equal([status, rule(name)(null, undefined, passenger(status))], [status, expected[status]]);
    }
  });
}

for (const [name, expected] of Object.entries(BY_FLIGHT)) {
  Deno.test(`${name}: the flight is all that counts`, () => {
    for (const status of FLIGHT_STATUSES) {
      for (const state of MANIFEST_STATES) {
        for (const who of PASSENGER_STATUSES) {
          const reason = rule(name)(flight(status), manifest(state, { checkedIn: 1 }), passenger(who));
          equal([status, state, who, reason], [status, state, who, expected[status]]);
        }
      }
    }
  });
}

Deno.test("cannotDisembark: whoever is at the gate needs everybody on board", () => {
  for (const status of FLIGHT_STATUSES) {
    const isAtGate = status === "waitingForBoarding" || status === "allBoarded";
    for (const state of MANIFEST_STATES) {
      for (const [counts, expected] of NO_DEPARTURE) {
        const reason = rules.cannotDisembark(flight(status), manifest(state, counts));
        const wanted = isAtGate ? expected[state] : "Cannot disembark: it has departed.";
        equal([status, state, counts, reason], [status, state, counts, wanted]);
      }
    }
  }
});

Deno.test("what is not known forbids nothing", () => {
  for (const name of Object.keys(rules)) {
    equal([name, rule(name)(null, null, null)], [name, null]);
    equal([name, rule(name)(undefined, undefined, undefined)], [name, null]);
  }
});
