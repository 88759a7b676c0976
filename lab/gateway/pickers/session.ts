import * as http2 from "node:http2";
import type { Endpoint } from "../translate/endpoints";

const retryMs = 200;
/** How long a picker may take to answer: at first, and when a connection that was there has been closed. */
const answerMs = { first: 1000, again: 300 } as const;

/** Nothing is known yet; it speaks HTTP/2; it does not. */
export type PickerState = "asking" | "up" | "down";

/**
 * Keeps an idle HTTP/2 connection to a picker, so that its end is noticed at once: a picker that stops says so on
 * the connection, one that dies closes it. A TCP connection would not do, because something in between may accept
 * it for a picker that is gone. No request is sent.
 */
export class PickerSession {
  private session: http2.ClientHttp2Session | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private current: PickerState = "asking";

  constructor(
    private readonly endpoint: Endpoint,
    private readonly changed: (state: PickerState) => void,
  ) {
    this.connect();
  }

  get state(): PickerState {
    return this.current;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.session?.destroy();
  }

  private connect(): void {
    const { address, port, tls } = this.endpoint;
    const wasUp = this.current === "up";
    // The certificate is one that the picker made itself: production does not verify it either.
    const session = http2.connect(`${tls ? "https" : "http"}://${address}:${port}`, {
      rejectUnauthorized: false,
    });
    this.session = session;
    let answered = false;
    let over = false;
    const end = (stops: boolean): void => {
      if (over) return;
      over = true;
      clearTimeout(this.timer);
      session.destroy();
      if (this.closed) return;
      // Something in between may have closed an idle connection: the picker is asked again before it counts as
      // down, unless it said itself that it stops.
      if (answered && !stops) {
        this.connect();
        return;
      }
      this.become("down");
      this.timer = setTimeout(() => this.connect(), retryMs);
    };
    this.timer = setTimeout(() => end(false), wasUp ? answerMs.again : answerMs.first);
    session.once("remoteSettings", () => {
      if (over) return;
      answered = true;
      clearTimeout(this.timer);
      this.become("up");
    });
    session.once("goaway", () => end(true));
    session.once("close", () => end(false));
    session.on("error", () => end(false));
  }

  private become(state: PickerState): void {
    if (this.current === state) return;
    this.current = state;
    this.changed(state);
  }
}
