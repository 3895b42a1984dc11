// Server-sent events out of a stream of text (HTML standard, 9.2.6).

/**
 * @typedef {object} ServerSentEvent
 * @property {string | null} id What to resume after, if this event says so.
 * @property {string | null} data
 * @property {string} [type] What it is, if it says so.
 */

/** Takes text as it comes and gives the events that it completes. */
export class EventStreamParser {
  #rest = "";
  /** @type {string | null} */
  #id = null;
  /** @type {string[]} */
  #data = [];
  /** @type {string | undefined} */
  #type;

  /** @param {string} text @returns {ServerSentEvent[]} */
  push(text) {
    const events = [];
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (this.#id !== null || this.#data.length > 0) events.push(this.#take());
      } else this.#field(line);
    }
    return events;
  }

  /** @param {string} line */
  #field(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "id") this.#id = value;
    else if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
  }

  /** @returns {ServerSentEvent} */
  #take() {
    const data = this.#data.length > 0 ? this.#data.join("\n") : null;
    const event = this.#type ? { id: this.#id, data, type: this.#type } : { id: this.#id, data };
    this.#id = null;
    this.#data = [];
    this.#type = undefined;
    return event;
  }
}
