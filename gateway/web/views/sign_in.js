// Where one signs in: with an access key, or at the identity provider.
import { fill, h } from "../dom.js";
import { field } from "../dialogs.js";
import { messageOf } from "../notices.js";
import { isKnown, onSession, ownAddress, providerPath, signedIn, signIn } from "../session.js";

/** @import { Context, View } from "../router.js" */

/** Why somebody comes back from the identity provider without a session. @type {Record<string, string>} */
const PROBLEMS = {
  expired: "That sign-in took too long, or was not begun in this browser. Please begin again.",
  refused: "The identity provider did not let you in.",
  unavailable: "The identity provider cannot be reached at the moment. Please try again later.",
  invalid:
    "What the identity provider said could not be trusted. Whoever runs Jetbridge finds out more in its log.",
};

/** @param {Context} context @returns {View} */
export function signInView({ container, parameters }) {
  const back = ownAddress(parameters.get("return"));
  const problem = PROBLEMS[parameters.get("problem") ?? ""];
  const heading = h("h1", {}, "Sign in");
  const ways = h("div", { class: "stack sign-in" });
  container.append(heading, ways);

  function show() {
    const { name, signIn, subject } = signedIn();
    if (isKnown()) {
      const who = subject === null
        ? ["Nobody has to sign in here."]
        : ["You are signed in as ", h("bdi", {}, name), "."];
      fill(ways, h("p", {}, ...who), h("p", {}, h("a", { href: "/" }, "Go to the flights")));
      return;
    }
    fill(
      ways,
      problem && h("p", { class: "refusal", role: "alert" }, problem),
      signIn.includes("oidc") && providerLink(back),
      signIn.includes("keys") && keyForm(back),
    );
    // Where there is one way only, it is at hand.
    if (signIn.length === 1) ways.querySelector("input")?.focus();
  }

  const leave = onSession(show);
  show();
  return { title: "Sign in", unmount: leave };
}

/** @param {string} back */
const providerLink = (back) =>
  h("p", {}, h("a", { class: "button primary", href: providerPath(back) }, "Sign in with your account"));

/** @param {string} back */
function keyForm(back) {
  const key = field("key", "Access key", { type: "password", spellcheck: "false" }, "It begins with jbk_");
  const refusal = h("p", { class: "refusal", role: "alert" });
  const form = h(
    "form",
    { class: "stack", novalidate: true },
    key.element,
    refusal,
    h("button", { type: "submit" }, "Sign in with a key"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fill(refusal);
    try {
      await signIn(key.input.value.trim());
      // As if it had been the first page: nothing is left of whoever was here before.
      location.replace(back);
    } catch (error) {
      fill(refusal, messageOf(error));
      key.input.select();
    }
  });
  return form;
}
