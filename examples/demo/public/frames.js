/**
 * The frame inspector: each frame drawn as RFC 6455 §5.2 draws it, with its bytes behind a click.
 *
 * @module
 */

import { count, formatDuration } from "./format.js";
import { asText, fromHex, hex, hexDump, layOut, readFrame } from "./frame.js";
import { part } from "./part.js";

const SENDERS = { client: "From the browser", server: "From the server" };

/** How many bytes of a payload are shown in a line, in hex and as text. */
const PREVIEW = 24;
const PREVIEW_TEXT = 64;

/** Draws what the tap tells into a list, and keeps only the last of it. */
export class Frames {
  #list;
  #limit;
  #onChange;

  constructor(list, { limit = 60, onChange = () => {} } = {}) {
    this.#list = list;
    this.#limit = limit;
    this.#onChange = onChange;
  }

  get count() {
    return this.#list.querySelectorAll(".frame[data-opcode]").length;
  }

  /** Takes a message of the inspector's socket. */
  take(message) {
    if (message.skipped > 0) this.note(`${count(message.skipped, "frame")} left out: this page fell behind.`);
    if (message.type === "head") this.#add(drawHead(message));
    if (message.type === "frame") this.#add(drawFrame(message));
  }

  /** Adds a line of words. */
  note(words) {
    const row = part("li", "frame frame-note");
    row.append(part("p", "", words));
    this.#add(row);
  }

  clear() {
    this.#list.replaceChildren();
    this.#onChange();
  }

  #add(row) {
    this.#list.append(row);
    if (this.#list.childElementCount > this.#limit) this.#list.firstElementChild.remove();
    this.#onChange();
  }
}

/** Draws one half of the opening handshake: it is text. */
function drawHead({ from, text, at }) {
  const row = makeRow(from, "handshake", `${count(text.length, "byte")} of HTTP`, at);
  const details = part("details", "frame-head");
  details.append(part("summary", "", text.slice(0, text.indexOf("\r"))), part("pre", "dump", text.trimEnd()));
  row.append(details);
  return row;
}

function drawFrame({ from, size, bytes, at }) {
  const frame = readFrame(fromHex(bytes), size);
  const sizes = `${count(frame.length, "byte")}, length in its ${frame.form}-bit form`;
  const row = makeRow(from, frame.name, sizes, at);
  Object.assign(row.dataset, {
    opcode: frame.opcode,
    form: frame.form,
    length: frame.length,
    masked: frame.masked,
  });
  row.append(drawPicture(frame), drawPayload(frame), drawBytes(frame));
  return row;
}

function makeRow(from, kind, sizes, at) {
  const row = part("li", "frame");
  row.dataset.from = from;
  const line = part("p", "frame-line");
  line.append(
    part("span", "frame-from", SENDERS[from]),
    part("span", "frame-kind", kind),
    part("span", "frame-sizes", sizes),
    part("span", "frame-at", `after ${formatDuration(at)}`),
  );
  row.append(line);
  return row;
}

/** The packet picture: 32 bits a row. */
function drawPicture(frame) {
  const picture = part("div", "packet");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", describe(frame));
  for (const bit of [0, 8, 16, 24]) picture.append(part("span", "packet-ruler", `${bit}`));
  for (const { field, label, value, bits } of layOut(frame)) {
    const cell = part("span", "packet-cell");
    cell.dataset.field = field;
    cell.dataset.bits = bits;
    cell.style.gridColumnEnd = `span ${bits}`;
    cell.title = `${label}: ${bits === 1 ? "1 bit" : `${bits} bits`}`;
    cell.append(part("span", "packet-label", label), part("span", "packet-value", value));
    picture.append(cell);
  }
  return picture;
}

/** The picture in words. */
function describe({ fin, rsv, opcode, name, masked, length, form, key }) {
  return `FIN ${fin}, RSV ${rsv.join("")}, opcode ${opcode} (${name}), MASK ${masked ? 1 : 0}, ` +
    `length ${length} in its ${form}-bit form${key ? `, masking key ${hex(key)}` : ""}`;
}

/** The payload as it was on the wire and, below, as it was meant. */
function drawPayload({ length, masked, payload, plain, name }) {
  const list = part("dl", "frame-facts");
  if (length === 0) return list;
  const add = (term, ...content) => {
    const line = part("div", "");
    const value = part("dd", "");
    value.append(...content);
    line.append(part("dt", "", term), value);
    list.append(line);
  };
  const cut = payload.length < length;
  if (masked) add("Masked", code(preview(payload)));
  const body = name === "close" ? plain.subarray(2) : plain;
  const text = name === "binary" || body.length === 0
    ? undefined
    : asText(body.subarray(0, PREVIEW_TEXT), true);
  add(masked ? "Unmasked" : "Payload", code(preview(plain)));
  if (name === "close") add("Code", `${plain[0] << 8 | plain[1]}`);
  if (text !== undefined) {
    add(name === "close" ? "Reason" : "Text", code(cut || body.length > PREVIEW_TEXT ? `${text}…` : text));
  }
  return list;
}

function preview(bytes) {
  return hex(bytes.subarray(0, PREVIEW)) + (bytes.length > PREVIEW ? " …" : "");
}

function code(text) {
  const element = part("code", "", text);
  element.dir = "auto";
  return element;
}

/** All bytes in hex, made when they are asked for. */
function drawBytes({ bytes, size }) {
  const details = part("details", "frame-bytes");
  details.append(part("summary", "", "Bytes in hex"));
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("pre") !== null) return;
    const dump = part("pre", "dump");
    dump.tabIndex = 0;
    dump.textContent = hexDump(bytes).map(({ offset, hex, text }) => `${offset}  ${hex.padEnd(47)}  ${text}`)
      .join("\n");
    details.append(dump);
    if (bytes.length < size) details.append(part("p", "hint", `${count(size - bytes.length, "byte")} more.`));
  });
  return details;
}
