// The page asks at once for all modules that the board needs, instead of finding out one after the other what they are.
import { equal } from "./equal.js";

const here = new URL("..", import.meta.url);

/**
 * A module and what it imports, and so on.
 * @param {URL} module @param {Set<string>} found
 */
function closure(module, found) {
  if (found.has(module.href)) return;
  found.add(module.href);
  const imports = Deno.readTextFileSync(module).matchAll(/^(?:import|\} from).*"(\.[^"]+)";$/gm);
  for (const [, path] of imports) closure(new URL(path, module), found);
}

Deno.test("every module of the board is preloaded", () => {
  /** @type {Set<string>} */
  const needed = new Set();
  for (const entry of ["main.js", "views/board.js"]) closure(new URL(entry, here), needed);
  const index = Deno.readTextFileSync(new URL("index.html", here));
  const links = index.matchAll(/(?:rel="modulepreload" href|type="module" src)="\/assets\/dev\/([^"]+)"/g);
  const loaded = [...links].map(([, path]) => new URL(path, here).href);
  equal(loaded.sort(), [...needed].sort());
});

Deno.test("the page has every style sheet, and first the one that all pages have", () => {
  const index = Deno.readTextFileSync(new URL("index.html", here));
  const links = [...index.matchAll(/rel="stylesheet" href="\/assets\/dev\/([^"]+)"/g)].map(([, path]) =>
    path
  );
  const parts = [...Deno.readDirSync(new URL("styles/", here))].map(({ name }) => `styles/${name}`);
  equal(links[0], "style.css");
  equal(links.slice(1).sort(), parts.sort());
});
