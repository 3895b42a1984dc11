// Which view the address means, and how one gets from one to another.
import { byId, fill } from "./dom.js";
import { focusHeading } from "./focus.js";

/** @import { BoardingPass } from "./boarding_pass.js" */

/**
 * @typedef {object} View A mounted view.
 * @property {string} title
 * @property {() => void} [unmount]
 * @property {Record<string, () => void>} [keys] What keys do here, as `keys.js` calls them.
 * @property {() => HTMLInputElement | null} [search] Where typing goes; nowhere if that is not shown.
 * @property {(pass: BoardingPass) => void} [scanned] What a boarding pass means here.
 * @property {(parameters: URLSearchParams) => void} [parametersChanged] Without it, the view is mounted anew.
 *
 * @typedef {object} Context
 * @property {HTMLElement} container
 * @property {Record<string, string>} path The named parts of the path.
 * @property {URLSearchParams} parameters
 * @property {(title: string) => void} setTitle
 */

/**
 * @typedef {(context: Context) => View} Mount
 * @typedef {() => Promise<Mount>} LoadView A view's code is loaded when it is first needed.
 */

/** @type {[string, LoadView][]} */
let routes = [];
/** @type {LoadView} */
let loadNotFound;
/** @type {Map<LoadView, Mount>} */
const loaded = new Map();
/** @type {View | null} */
let current = null;
/** @type {string | null} */
let mountedPath = null;
/** How far each place in the browser's history was scrolled. @type {Map<string, number>} */
const scrolled = new Map();
let place = "";

/** The view that is shown. */
export const currentView = () => current;

/**
 * @param {Record<string, LoadView>} views By path, whose parts may be names such as `:id`.
 * @param {LoadView} notFound
 */
export function start(views, notFound) {
  routes = Object.entries(views);
  loadNotFound = notFound;
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => void show({ isBack: true }));
  document.addEventListener("click", followLink);
  return show({ isBack: true, isFirst: true });
}

/** Goes to another view. @param {string} path */
export function navigate(path) {
  if (path === location.pathname + location.search) return;
  history.pushState({ place: crypto.randomUUID?.() ?? String(Math.random()) }, "", path);
  void show();
}

/** Changes the address of the view that is shown, without a step in the history. @param {URLSearchParams} parameters */
export function replaceParameters(parameters) {
  const search = parameters.toString();
  history.replaceState(history.state, "", search ? `${location.pathname}?${search}` : location.pathname);
}

/** @param {MouseEvent} event */
function followLink(event) {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.target || link.origin !== location.origin || link.hash) return;
  if (!routes.some(([pattern]) => matchPath(pattern, link.pathname))) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}

/** @param {{isBack?: boolean, isFirst?: boolean}} [options] */
async function show({ isBack = false, isFirst = false } = {}) {
  // What a dialog asks is about what was shown.
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  scrolled.set(place, scrollY);
  place = history.state?.place ?? "first";
  if (current?.parametersChanged && mountedPath === location.pathname) {
    current.parametersChanged(new URLSearchParams(location.search));
    return;
  }
  const { load, path } = match();
  const wanted = location.href;
  let mount = loaded.get(load);
  if (!mount) {
    try {
      mount = await load();
    } catch {
      // A browser does not try again to load a module of a page, so the page has to begin anew.
      location.reload();
      return;
    }
    loaded.set(load, mount);
    // Somebody may have gone elsewhere meanwhile.
    if (location.href !== wanted) return;
  }
  current?.unmount?.();
  mountedPath = location.pathname;
  const container = byId("view");
  fill(container);
  container.className = "";
  const setTitle = (/** @type {string} */ title) => {
    document.title = `${title} · Jetbridge`;
  };
  current = mount({ container, path, parameters: new URLSearchParams(location.search), setTitle });
  setTitle(current.title);
  markNavigation();
  scrollTo(0, isBack ? scrolled.get(place) ?? 0 : 0);
  if (!isFirst) focusHeading(container);
}

/** Loads the views that have not been needed yet, so that none has to be waited for. */
export async function loadAll() {
  for (const [, load] of routes) if (!loaded.has(load)) loaded.set(load, await load());
}

function match() {
  for (const [pattern, load] of routes) {
    const path = matchPath(pattern, location.pathname);
    if (path) return { load, path };
  }
  return { load: loadNotFound, path: {} };
}

/**
 * The named parts of a path, if it fits the pattern.
 * @param {string} pattern @param {string} path
 */
export function matchPath(pattern, path) {
  const wanted = pattern.split("/");
  const parts = path.split("/");
  if (wanted.length !== parts.length) return null;
  /** @type {Record<string, string>} */
  const named = {};
  for (const [at, name] of wanted.entries()) {
    if (name.startsWith(":") && parts[at]) named[name.slice(1)] = parts[at];
    else if (name !== parts[at]) return null;
  }
  return named;
}

function markNavigation() {
  for (const link of document.querySelectorAll("header nav a")) {
    const isHere = link.getAttribute("href") === location.pathname;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
