/**
 * Ends the program with a message for the user, who gets no stack trace: what is wrong is in the message.
 *
 * The error itself has none either. The SDK formats every error that ends a program, for its tracing, and Node 20
 * needs 24 s (measured; until a string is too long) to colour a frame like `node_modules/@pulumi/resource.ts`, which
 * is what source maps make of the SDK's own frames.
 */
export class UserError extends Error {
  /**
   * By this mark the SDK knows a RunError, of which it prints the message only. Its own class would bring gRPC, and
   * `rollback --now` is to need nothing of Pulumi's.
   */
  readonly __pulumiRunError = true;

  constructor(message: string) {
    super(message);
    this.stack = "";
  }
}

/** The program's own bundle is kept in node_modules too (start/). */
const libraryFrame = /^\s+at .*node_modules(?![\\/]\.cache[\\/]program[\\/])/;

/** The same for what is a mistake of this program: a stack trace, of the program's own frames. */
export function withoutLibraryFrames(error: unknown): unknown {
  if (error instanceof Error && error.stack !== undefined) {
    const own = error.stack.split("\n").filter((line) => !libraryFrame.test(line));
    error.stack = own.join("\n");
  }
  return error;
}
