/* Server-sent events out of a fetched body: bytes in, each event's data and id out. Line ends may be LF, CRLF or CR, and
   a chunk may stop anywhere, within a character too. */
class EventParser {
  #decoder = new TextDecoder();
  #rest = "";
  #data = [];
  #id = "";
  #dropLineFeed = false;

  /* Every event that these bytes complete, as `{id, data}`; an event without an id has the one before it. */
  push(bytes) {
    const complete = [];
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    for (let line = this.#nextLine(); line !== null; line = this.#nextLine()) {
      if (line) this.#readLine(line);
      else if (this.#data.length) complete.push({ id: this.#id, data: this.#data.splice(0).join("\n") });
    }
    return complete;
  }

  #nextLine() {
    if (this.#dropLineFeed && this.#rest) {
      this.#rest = this.#rest.replace(/^\n/, "");
      this.#dropLineFeed = false;
    }
    const end = this.#rest.search(/[\r\n]/);
    if (end < 0) return null;
    const line = this.#rest.slice(0, end);
    this.#dropLineFeed = this.#rest[end] === "\r";
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /* Comments begin with a colon; of the fields the widget reads two. */
  #readLine(line) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    if (field === "id") this.#id = value;
  }
}
