// Starts the web client: the frame around the views, the live connection, the keys.
import { byId, setAttribute, setText } from "./dom.js";
import { loadFlights } from "./flights.js";
import { timeWithSeconds } from "./format.js";
import { listenForKeys, showHelp } from "./keyboard.js";
import { connected, follow, onLinkState } from "./live.js";
import { notify } from "./notices.js";
import { listenForPastes } from "./pasting.js";
import { loadAll, start } from "./router.js";
import { beginSession, isKnown, watchSession } from "./session.js";
import { guardClicks } from "./settling.js";
import { showWho } from "./signing_in.js";

const LINK_STATES = { connecting: "Connecting …", live: "Live", lost: "Connection lost", asleep: "Asleep" };
/** A connection that is back at once is nobody's concern. */
const BANNER_AFTER_MS = 1_000;

const THEMES = /** @type {const} */ ({
  system: { next: "light", label: "Colours: as the system", sign: "◐" },
  light: { next: "dark", label: "Colours: light", sign: "☀" },
  dark: { next: "system", label: "Colours: dark", sign: "☾" },
});

function showTheme() {
  const theme = document.documentElement.dataset.theme === "light"
    ? "light"
    : document.documentElement.dataset.theme === "dark"
    ? "dark"
    : "system";
  const button = byId("theme");
  setText(button, THEMES[theme].sign);
  setAttribute(button, "aria-label", THEMES[theme].label);
  setAttribute(button, "title", THEMES[theme].label);
  return theme;
}

byId("theme").addEventListener("click", () => {
  const { next } = THEMES[showTheme()];
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // It holds for this page then.
  }
  showTheme();
});

/** @type {ReturnType<typeof setTimeout> | undefined} */
let bannerTimer;
onLinkState(({ status, heard }) => {
  const link = byId("link-state");
  link.dataset.status = status;
  setText(link, LINK_STATES[status]);
  setAttribute(link, "title", heard ? `Last in touch ${timeWithSeconds(heard)}` : null);
  const banner = byId("banner");
  // Whoever is signed out is told that, and the connection comes with the next session.
  if (status !== "lost" || !isKnown()) {
    clearTimeout(bannerTimer);
    bannerTimer = undefined;
    banner.hidden = true;
    return;
  }
  bannerTimer ??= setTimeout(() => {
    const since = heard ? `What you see is as of ${timeWithSeconds(heard)}. ` : "";
    setText(banner, `The connection is lost. ${since}This page goes on trying, and nothing is missed.`);
    banner.hidden = false;
  }, BANNER_AFTER_MS);
});

const SIGN_IN = "/sign-in";
const signInView = { [SIGN_IN]: async () => (await import("./views/sign_in.js")).signInView };
const views = {
  "/": async () => (await import("./views/board.js")).boardView,
  "/flights/:id": async () => (await import("./views/flight.js")).flightView,
  "/passengers/:id": async () => (await import("./views/passenger.js")).passengerView,
  "/audit-log": async () => (await import("./views/audit_log.js")).auditLogView,
  "/system": async () => (await import("./views/system.js")).systemView,
  "/wall": async () => (await import("./views/wall.js")).wallView,
};
const notFound = async () => (await import("./views/not_found.js")).notFoundView;

/** For those who are known: everything. */
function begin() {
  showWho();
  listenForKeys();
  listenForPastes();
  const shown = start(views, notFound);
  void follow(loadFlights);
  // What is not needed at once does not hold up what is; and if it cannot be loaded now, it will be when it is needed.
  shown.then(connected).then(loadAll).catch(() => {});
}

/** Where one signs in there is nothing else, and every link leads to a page that begins anew. */
function beginSigningIn() {
  const { pathname, search } = location;
  if (pathname !== SIGN_IN) {
    history.replaceState(null, "", `${SIGN_IN}?return=${encodeURIComponent(pathname + search)}`);
  }
  for (const part of document.querySelectorAll("header nav, #link-state, #help")) {
    part.setAttribute("hidden", "");
  }
  void start(signInView, notFound);
}

byId("help").addEventListener("click", showHelp);
showTheme();
guardClicks(() => notify("What you clicked on had only just come there, so nothing was done."));
await beginSession();
watchSession();
if (isKnown() && location.pathname !== SIGN_IN) begin();
else beginSigningIn();
