import { matchPath } from "../router.js";
import { equal } from "./equal.js";

Deno.test("a path fits its pattern part by part", () => {
  equal(matchPath("/", "/"), {});
  equal(matchPath("/flights/:id", "/flights/12"), { id: "12" });
  equal(matchPath("/flights/:id", "/flights/"), null);
  equal(matchPath("/flights/:id", "/flights/12/x"), null);
  equal(matchPath("/flights/:id", "/passengers/12"), null);
});
