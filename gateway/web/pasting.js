// What is pasted or dropped: fields have one line, and a page is not left for a file.
import { h, setText } from "./dom.js";
import { notify } from "./notices.js";

/**
 * What of a text fits into a field of one line: that line; `null` if there are several.
 * @param {string} text
 */
export function oneLine(text) {
  const lines = text.split(/[\r\n\u2028\u2029]+/).filter((line) => line.trim() !== "");
  return lines.length > 1 ? null : lines[0] ?? "";
}

export function listenForPastes() {
  document.addEventListener("paste", (event) => take(event, event.clipboardData));
  document.addEventListener("drop", (event) => {
    // A browser would show the file, or what the link leads to, in place of the page.
    if (!(event.target instanceof HTMLInputElement)) event.preventDefault();
    else take(event, event.dataTransfer);
  });
  document.addEventListener("dragover", (event) => {
    if (event.target instanceof HTMLInputElement || !event.dataTransfer) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}

/** A browser would make one line of several, and so one name of two. @param {Event} event @param {DataTransfer | null} data */
function take(event, data) {
  const field = event.target;
  const text = data?.getData("text/plain") ?? "";
  if (!(field instanceof HTMLInputElement) || oneLine(text) !== null) return;
  event.preventDefault();
  const why = "Nothing was pasted: that has several lines, and this field takes one.";
  const note = field.id ? document.getElementById(`${field.id}-error`) : null;
  if (note) setText(note, why);
  else notify([h("span", {}, why)], { isError: true });
}
