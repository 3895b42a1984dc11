// The page asks for all modules at once, instead of finding out one after the other what it needs.
import { equal } from "./equal.js";

const NOT_IN_THE_PAGE = ["main.js", "theme.js"];

/** @param {URL} folder @param {string} prefix @returns {string[]} */
function modules(folder, prefix = "") {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? modules(new URL(`${name}/`, folder), `${prefix}${name}/`) : [prefix + name]
  ).filter((path) => path.endsWith(".js") && !path.startsWith("tests/"));
}

Deno.test("every module is preloaded", () => {
  const here = new URL("..", import.meta.url);
  const index = Deno.readTextFileSync(new URL("index.html", here));
  const preloaded = [...index.matchAll(/rel="modulepreload" href="\/assets\/dev\/([^"]+)"/g)].map((
    [, path],
  ) => path);
  equal(preloaded.sort(), modules(here).filter((path) => !NOT_IN_THE_PAGE.includes(path)).sort());
});
