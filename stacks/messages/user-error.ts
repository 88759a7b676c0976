/**
 * Ends the program with a message for the user, who gets no stack trace: what is wrong is in the message.
 *
 * The error itself has none either: the SDK formats every error that ends a program, for its tracing, whether or not it
 * prints the result.
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

/** What is wrong, whatever was thrown. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));
