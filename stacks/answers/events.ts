/** One server-sent event. */
export interface ServerEvent {
  /** Default: "message". */
  name: string;
  data: string;
}

/**
 * Reads server-sent events (WHATWG HTML, "Server-sent events") from pieces of a body, wherever it was cut: in the middle
 * of a line, of a line's end or of a character. Comments, which servers send to keep a connection alive, are left out.
 */
export class EventReader {
  private readonly decoder = new TextDecoder();
  private rest = "";
  private name = "";
  private data: string[] = [];

  /** Events that this piece completed. */
  take(piece: Uint8Array): ServerEvent[] {
    return this.lines(this.decoder.decode(piece, { stream: true }), false);
  }

  /** What was begun and not completed: the connection ended before the empty line that ends an event. */
  end(): ServerEvent[] {
    const last = this.lines(this.decoder.decode(), true);
    return [...last, ...this.dispatch()];
  }

  private lines(text: string, ended: boolean): ServerEvent[] {
    const all = this.rest + text;
    // A carriage return at the end may be the first half of a line's end.
    const held = !ended && all.endsWith("\r") ? all.length - 1 : all.length;
    const lines = all.slice(0, held).split(/\r\n|\n|\r/);
    this.rest = (lines.pop() ?? "") + all.slice(held);
    if (ended && this.rest !== "") lines.push(this.rest);
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): ServerEvent[] {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.name = value;
    return [];
  }

  private dispatch(): ServerEvent[] {
    const { name, data } = this;
    this.name = "";
    this.data = [];
    return data.length === 0 ? [] : [{ name: name === "" ? "message" : name, data: data.join("\n") }];
  }
}
