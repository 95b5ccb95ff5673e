/* Small makers of DOM nodes. Texts become text nodes, so nothing a model or a form says can become markup. */
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const TOUCH = matchMedia("(pointer: coarse)");
const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  chat: "M12 2.75c-5.3 0-9.5 3.7-9.5 8.4 0 2.5 1.2 4.7 3.1 6.3.1 1.2-.4 2.4-1.2 3.3-.2.3 0 .8.4.7 1.9-.2 3.5-.9 4.7-1.9.8.2 1.6.3 2.5.3 5.3 0 9.5-3.9 9.5-8.7s-4.2-8.4-9.5-8.4Z",
  down: "m5.5 9 6.5 6.5L18.5 9",
  close: "m6 6 12 12M18 6 6 18",
  send: "M12 19.5v-15M5.5 11 12 4.5l6.5 6.5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  restart: "M4 4.5V9.5h5M4.6 14.5a8 8 0 1 0 .9-7L4 9.5",
  save: "M12 4v11.5M6.5 10.5 12 16l5.5-5.5M5 20h14",
  erase: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13",
  alert: "M12 8v5M12 16.5h.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
  arrowDown: "M12 5v14M6 13l6 6 6-6",
  stop: "M8 6.5h8A1.5 1.5 0 0 1 17.5 8v8a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 16V8A1.5 1.5 0 0 1 8 6.5Z",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3 2",
  spark: "M12 3c.6 4.9 3.1 8.1 8.5 9-5.4.9-7.9 4.1-8.5 9-.6-4.9-3.1-8.1-8.5-9 5.4-.9 7.9-4.1 8.5-9Z",
};

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

function icon(name, filled = false) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", filled ? "icon filled" : "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function iconButton(name, label, className) {
  return make("button", { type: "button", class: className, "aria-label": label, title: label }, icon(name));
}

/* Gives the visitor a file. */
function saveFile(blob, name) {
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // when the browser surely has it
}

/* Text for screen readers alone. */
function spoken(text) {
  return make("span", { class: "spoken" }, text);
}
