import * as readline from "node:readline/promises";
import { styleText } from "node:util";
import { forStack, resultForStack } from "./for-stack";

/** Exit statuses of the command. */
export const exit = { done: 0, refused: 1, interrupted: 130 } as const;

/** Where a command talks to: a terminal, a log, or a program that reads JSON. */
export class Screen {
  /**
   * @param json only the result goes to standard output; what a person would read goes to standard error.
   * @param stack the stack that the user named: every command that is shown names it too. Default: the selected one.
   */
  constructor(
    readonly json: boolean,
    private readonly stack?: string,
    private readonly input: NodeJS.ReadStream = process.stdin,
    private readonly output: NodeJS.WriteStream = process.stdout,
  ) {}

  /** Whether somebody is there to answer. */
  get interactive(): boolean {
    return !this.json && this.input.isTTY && this.output.isTTY;
  }

  line(text = ""): void {
    (this.json ? process.stderr : this.output).write(`${forStack(text, this.stack)}\n`);
  }

  good(text: string): void {
    this.line(this.styled("green", text));
  }

  bad(text: string): void {
    this.line(this.styled("red", text));
  }

  faint(text: string): void {
    this.line(this.styled("dim", text));
  }

  styled(style: "green" | "red" | "dim" | "bold", text: string): string {
    const colours = !this.json && this.output.isTTY && process.env["NO_COLOR"] === undefined;
    return colours ? styleText(style, text) : text;
  }

  /** The result of a command, for programs. */
  result(value: object): void {
    if (this.json) this.output.write(`${JSON.stringify(resultForStack(value, this.stack), undefined, 2)}\n`);
  }

  /** @returns the answer; empty where there is none: Ctrl-C, Ctrl-D. */
  async ask(question: string): Promise<string> {
    const terminal = readline.createInterface({ input: this.input, output: this.output });
    const nothing = new AbortController();
    terminal.once("SIGINT", () => nothing.abort());
    terminal.once("close", () => nothing.abort());
    try {
      return (await terminal.question(question, { signal: nothing.signal })).trim();
    } catch {
      this.line();
      return "";
    } finally {
      terminal.close();
    }
  }

  /**
   * Something that takes time: a spinner on a terminal, plain lines elsewhere.
   * @param failed whether a result is one that is shown as a failure; it is returned all the same.
   */
  async task<T>(
    title: string,
    work: (say: (text: string) => void) => Promise<T>,
    failed: (result: T) => boolean = () => false,
  ): Promise<T> {
    if (!this.interactive) {
      this.line(`- ${title}`);
      let last = "";
      return work((text) => {
        if (text === "" || text === last) return;
        last = text;
        this.line(`    ${text}`);
      });
    }
    let result: { value: T } | undefined;
    // Loaded only here: going back (--now) needs none of it.
    const { Listr } = await import("listr2");
    await new Listr(
      [
        {
          title,
          task: async (_, task) => {
            result = { value: await work((text) => (task.output = text)) };
            // The error is printed afterwards, in full.
            if (failed(result.value)) throw new Error("failed");
          },
        },
      ],
      // Ctrl-C is for the update, which ends in an orderly way; the list must not end the process before.
      { registerSignalListeners: false, rendererOptions: { showErrorMessage: false } },
    )
      .run()
      .catch((error: unknown) => {
        if (result === undefined) throw error;
      });
    if (result === undefined) throw new Error(`${title}: no result`);
    return result.value;
  }
}
