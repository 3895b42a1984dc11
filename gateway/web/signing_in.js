// What the frame of the page says about who has signed in, and what happens when they are signed in no more.
import { field, openDialog } from "./dialogs.js";
import { byId, fill, h, setText } from "./dom.js";
import { notifyError } from "./notices.js";
import { isKnown, may, onSession, providerPath, signedIn, signIn, signOut } from "./session.js";

/** @type {HTMLDialogElement | null} */
let asking = null;

/** Shows who has signed in, from now on. */
export function showWho() {
  const shownFor = whoAndWhat();
  onSession(() => {
    if (isKnown() && whoAndWhat() !== shownFor) {
      // What is shown is what somebody else may see and do.
      location.reload();
      return;
    }
    showFrame();
    if (!isKnown()) ask();
    else asking?.close();
  });
  showFrame();
}

/** The same for everybody where nobody has to sign in. */
function whoAndWhat() {
  const { authentication, subject, roles } = signedIn();
  return authentication.length === 0 ? "" : JSON.stringify([subject, roles]);
}

function showFrame() {
  const { authentication, subject, name, roles } = signedIn();
  for (const link of document.querySelectorAll("header nav a[data-role]")) {
    if (!(link instanceof HTMLElement)) continue;
    link.hidden = !may(/** @type {import("./roles.js").Role} */ (link.dataset.role));
  }
  const place = byId("who");
  place.hidden = authentication.length === 0;
  if (place.hidden) return;
  const isSomebody = subject !== null;
  const title = isSomebody ? `${subject}: ${roles.length > 0 ? roles.join(", ") : "no role"}` : null;
  const label = h(
    "span",
    { class: "name", title },
    h("bdi", {}, isSomebody ? name ?? subject : "Signed out"),
  );
  const button = h(
    "button",
    { type: "button", class: "quiet", onclick: isSomebody ? leave : ask },
    isSomebody ? "Sign out" : "Sign in",
  );
  fill(place, label, button);
  const banner = byId("no-role");
  banner.hidden = !isSomebody || roles.length > 0;
  setText(banner, banner.hidden ? "" : "You have no role here. Whoever runs Jetbridge can give you one.");
}

async function leave() {
  try {
    location.assign(await signOut() ?? "/sign-in");
  } catch (error) {
    notifyError(error, "Not signed out");
  }
}

/** Asks somebody whose session has ended to sign in again, where they are: what they have typed stays. */
function ask() {
  if (asking?.open) return;
  const ways = signedIn().signIn;
  const key = field("key", "Access key", { type: "password", spellcheck: "false" });
  const takesKeys = ways.includes("keys");
  asking = openDialog({
    title: ["You are signed out"],
    body: [
      h("p", {}, "Your session has ended. Sign in again to go on: what you have entered is still there."),
      ...(takesKeys ? [key.element] : []),
      ...(ways.includes("oidc") ? [providerLink()] : []),
    ],
    cancel: "Not now",
    confirm: takesKeys ? "Sign in" : undefined,
    act: () => signIn(key.input.value),
  });
}

/** In a window of its own, so that this page stays as it is; it notices by itself. */
const providerLink = () =>
  h(
    "p",
    {},
    h(
      "a",
      { class: "button", href: providerPath("/sign-in"), target: "_blank" },
      "Sign in with your account",
    ),
    h("span", { class: "hint" }, " in a new window"),
  );
