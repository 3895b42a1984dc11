// Starts the web client: the frame around the views, the live connection, the keys.
import { byId, setAttribute, setText } from "./dom.js";
import { loadFlights } from "./flights.js";
import { timeWithSeconds } from "./format.js";
import { listenForKeys, showHelp } from "./keyboard.js";
import { follow, onLinkState } from "./live.js";
import { start } from "./router.js";
import { auditLogView } from "./views/audit_log.js";
import { boardView } from "./views/board.js";
import { flightView } from "./views/flight.js";
import { notFoundView } from "./views/not_found.js";
import { passengerView } from "./views/passenger.js";
import { systemView } from "./views/system.js";
import { wallView } from "./views/wall.js";

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
start(
  {
    "/": boardView,
    "/flights/:id": flightView,
    "/passengers/:id": passengerView,
    "/audit-log": auditLogView,
    "/system": systemView,
    "/wall": wallView,
  },
  notFoundView,
);
void follow();
void loadFlights();
