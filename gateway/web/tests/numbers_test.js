// What is shown of instances, and of what they have measured.
import { chartsOf, missing, stateText } from "../views/numbers.js";
import { equal } from "./equal.js";

const COMMANDS = "jetbridge_executor_commands_total";
const LAG = "jetbridge_reader_lag_events";

/** @param {Partial<import("../views/numbers.js").Instance>} is @returns {import("../views/numbers.js").Instance} */
const instance = (is) => ({
  address: "10.0.0.1:8081",
  inUse: true,
  leftOut: false,
  since: null,
  ejections: 0,
  ...is,
});

/** @param {string} process @param {string} metric @param {(number | null)[]} values */
const measured = (process, metric, values) =>
  instance({ process, ages: [10, 5, 0], series: [{ metric, of: "a-stream", values }] });

Deno.test("the state of an instance is said, also where it is not known", () => {
  equal(stateText(instance({ address: null })), "Answers this page");
  equal(stateText(instance({})), "Gets requests");
  equal(stateText(instance({ inUse: false })), "Gets no requests");
  equal(stateText(instance({ inUse: false, leftOut: true })), "Left out: requests to it failed");
  equal(
    stateText(instance({ detail: "it cannot be reached" })),
    "Not known: it cannot be reached. It would get requests",
  );
  equal(
    stateText(instance({ inUse: false, detail: "it cannot be reached" })),
    "Not known: it cannot be reached. Gets no requests",
  );
});

Deno.test("those that could not be asked are named beside the charts", () => {
  const silent = instance({ detail: "it cannot be reached" });
  equal(missing([{ service: "a-api", instances: [instance({})] }]), "");
  equal(
    missing([{ service: "a-api", instances: [silent] }]),
    "Without a-api at 10.0.0.1:8081 (it cannot be reached).",
  );
});

Deno.test("instances count together, and a process once", () => {
  const [one, other] = [measured("1", COMMANDS, [0, 10, 30]), measured("2", COMMANDS, [0, 5, 5])];
  const [chart] = chartsOf([{ service: "a-api", instances: [one, other, one] }]);
  equal(chart.title(chart.of), "Commands on a-stream");
  equal(chart.values.slice(-2), [3, 4]);
  const lags = [
    measured("1", LAG, [7, 8, null]),
    measured("2", LAG, [6, 9, 5]),
    instance({ detail: "gone" }),
  ];
  const [lag] = chartsOf([{ service: "a-processor", instances: lags }]);
  equal(lag.values.slice(-3), [7, 9, 5]);
  equal(chartsOf([{ service: "a-api", instances: [measured("1", "something_newer", [1])] }]), []);
});
