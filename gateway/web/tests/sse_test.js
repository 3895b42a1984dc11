import { EventStreamParser } from "../sse.js";
import { equal } from "./equal.js";

Deno.test("an event is an id and its data", () => {
  const parser = new EventStreamParser();
  equal(parser.push('id: a\ndata: {"x":1}\n\n'), [{ id: "a", data: '{"x":1}' }]);
});

Deno.test("events arrive in pieces of any size", () => {
  const text = ": hello\n\nretry: 1000\nid: a\n\nid: b\ndata: one\ndata: two\n\n";
  const parser = new EventStreamParser();
  const events = [...text].flatMap((character) => parser.push(character));
  equal(events, [{ id: "a", data: null }, { id: "b", data: "one\ntwo" }]);
});

Deno.test("carriage returns, and fields without a space or a colon", () => {
  const parser = new EventStreamParser();
  equal(parser.push("id:a\r\ndata\r\n\r\n"), [{ id: "a", data: "" }]);
});

Deno.test("an event may say what it is", () => {
  const parser = new EventStreamParser();
  const text = 'event: problem\nretry: 30000\ndata: {"status":422}\n\nid: a\ndata: one\n\n';
  equal(parser.push(text), [{ id: null, data: '{"status":422}', type: "problem" }, { id: "a", data: "one" }]);
});

Deno.test("signs of life are no events", () => {
  equal(new EventStreamParser().push(":\n\n: still here\n\n"), []);
});
