/* What the agent wrote, as DOM nodes: paragraphs, line breaks, lists, code, bold, italic, links to http and https.
   Nothing is ever parsed as HTML and nothing loads by itself: no images, no previews. A link says where it leads. */
const INLINE = new RegExp(
  [
    /`([^`\n]{1,500})`/, // code
    /!?\[([^\]\n]{1,300})\]\((https?:\/\/[^\s()<>]{1,1000})\)/, // a link with its label
    /(https?:\/\/[^\s<>"'`]{1,1000})/, // an address by itself
    /\*\*(?=\S)((?:[^*\n]|\*(?!\*)){1,1000})\*\*/, // bold
    /(?<![\p{L}\p{N}])__(?=\S)([^_\n]{1,1000})__(?![\p{L}\p{N}])/u,
    /\*(?=[^\s*])([^*\n]{1,1000})\*/, // italic
    /(?<![\p{L}\p{N}_])_(?=[^\s_])([^_\n]{1,1000})_(?![\p{L}\p{N}_])/u,
  ]
    .map((pattern) => pattern.source)
    .join("|"),
  "gu",
);
const LIST_ITEM = /^\s{0,6}(?:[-*•]|(\d{1,3})[.)])\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const FENCE = /^\s{0,3}```/;
const MAX_DEPTH = 3;

function renderText(text) {
  const fragment = document.createDocumentFragment();
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  for (let at = 0; at < lines.length; ) at = renderBlock(fragment, lines, at);
  return fragment;
}

/* Renders the block that begins at line `at`; returns the line after it. */
function renderBlock(parent, lines, at) {
  if (!lines[at].trim()) return at + 1;
  if (FENCE.test(lines[at])) return renderFence(parent, lines, at);
  if (LIST_ITEM.test(lines[at])) return renderList(parent, lines, at);
  if (HEADING.test(lines[at])) return renderHeading(parent, lines, at);
  return renderParagraph(parent, lines, at);
}

function renderFence(parent, lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  const code = document.createElement("code");
  code.textContent = lines.slice(at + 1, end).join("\n");
  appendBlock(parent, "pre").append(code);
  return end + 1;
}

function renderList(parent, lines, at) {
  const first = LIST_ITEM.exec(lines[at])[1];
  const list = appendBlock(parent, first ? "ol" : "ul");
  if (Number(first) > 1) list.start = Number(first);
  let end = at;
  for (; end < lines.length; end += 1) {
    const item = LIST_ITEM.exec(lines[end]);
    if (!item || Boolean(item[1]) !== Boolean(first)) break;
    renderInline(appendBlock(list, "li"), item[2]);
  }
  return end;
}

function renderHeading(parent, lines, at) {
  const strong = document.createElement("strong");
  renderInline(strong, HEADING.exec(lines[at])[1]);
  appendBlock(parent, "p").append(strong);
  return at + 1;
}

function renderParagraph(parent, lines, at) {
  const paragraph = appendBlock(parent, "p");
  let end = at;
  for (; end < lines.length && lines[end].trim(); end += 1) {
    if (end > at && (LIST_ITEM.test(lines[end]) || HEADING.test(lines[end]) || FENCE.test(lines[end]))) break;
    if (end > at) paragraph.append(document.createElement("br"));
    renderInline(paragraph, lines[end]);
  }
  return end;
}

/* A block element that takes its direction from its own text, so that Arabic beside English reads right. */
function appendBlock(parent, name) {
  const block = document.createElement(name);
  block.dir = "auto";
  parent.append(block);
  return block;
}

function renderInline(parent, text, depth = 0) {
  let done = 0;
  for (const match of text.matchAll(INLINE)) {
    const { node, length } = inlineNode(match, depth);
    parent.append(text.slice(done, match.index), node);
    done = match.index + length;
  }
  parent.append(text.slice(done));
}

function inlineNode(match, depth) {
  const [whole, code, label, target, address, bold, boldToo, italic, italicToo] = match;
  if (code) return { node: emphasis("code", code, MAX_DEPTH), length: whole.length };
  if (target) return { node: link(target, label, whole), length: whole.length };
  if (address) return bareLink(address);
  const isBold = bold ?? boldToo;
  return { node: emphasis(isBold ? "strong" : "em", isBold ?? italic ?? italicToo, depth + 1), length: whole.length };
}

function emphasis(name, text, depth) {
  const element = document.createElement(name);
  if (depth < MAX_DEPTH) renderInline(element, text, depth);
  else element.textContent = text;
  return element;
}

/* The full stop of a sentence is not part of the address it ends with; a bracket is, if the address opened it. */
function bareLink(address) {
  let end = address.replace(/[.,:;!?*_]+$/, "");
  if (end.endsWith(")") && !end.includes("(")) end = end.slice(0, -1);
  return { node: link(end, end, end), length: end.length };
}

/* An anchor, or the plain text where the address is not one a visitor should follow. */
function link(target, label, plain) {
  const url = webAddress(target);
  if (!url) return document.createTextNode(plain);
  const anchor = document.createElement("a");
  anchor.href = url.href;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer nofollow";
  anchor.textContent = label;
  if (!label.includes(url.host)) anchor.append(hostNote(url.host));
  return anchor;
}

function hostNote(host) {
  const note = document.createElement("span");
  note.className = "host";
  note.textContent = ` (${host})`;
  return note;
}

/* Addresses with a user name ("https://bank.com@evil.net") only ever deceive. */
function webAddress(text) {
  try {
    const url = new URL(text);
    const plain = (url.protocol === "https:" || url.protocol === "http:") && !url.username && !url.password;
    return plain ? url : null;
  } catch {
    return null;
  }
}
