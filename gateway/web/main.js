// Starts the web client: the frame around the views, the live connection, the keys.
import { byId, setAttribute, setText } from "./dom.js";
import { loadFlights } from "./flights.js";
import { timeWithSeconds } from "./format.js";
import { listenForKeys, showHelp } from "./keyboard.js";
import { connected, follow, onLinkState } from "./live.js";
import { notify } from "./notices.js";
import { listenForPastes } from "./pasting.js";
import { loadAll, start } from "./router.js";
import { guardClicks } from "./settling.js";

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
  if (status !== "lost") {
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

byId("help").addEventListener("click", showHelp);
showTheme();
listenForKeys();
listenForPastes();
guardClicks(() => notify("What you clicked on had only just come there, so nothing was done."));
const shown = start(
  {
    "/": async () => (await import("./views/board.js")).boardView,
    "/flights/:id": async () => (await import("./views/flight.js")).flightView,
    "/passengers/:id": async () => (await import("./views/passenger.js")).passengerView,
    "/audit-log": async () => (await import("./views/audit_log.js")).auditLogView,
    "/system": async () => (await import("./views/system.js")).systemView,
    "/wall": async () => (await import("./views/wall.js")).wallView,
  },
  async () => (await import("./views/not_found.js")).notFoundView,
);
void follow(loadFlights);
// What is not needed at once does not hold up what is; and if it cannot be loaded now, it will be when it is needed.
shown.then(connected).then(loadAll).catch(() => {});
