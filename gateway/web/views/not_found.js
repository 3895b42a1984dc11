// An address that nothing is at.
import { h } from "../dom.js";

/** @import { Context, View } from "../router.js" */

/** @param {Context} context @returns {View} */
export function notFoundView({ container }) {
  container.append(
    h("h1", {}, "There is nothing here"),
    h("p", {}, "The address is not one of Jetbridge's pages."),
    h("p", {}, h("a", { href: "/" }, "All flights")),
  );
  return { title: "Not found" };
}
