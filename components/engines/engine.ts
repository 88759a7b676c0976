/*
 * The config after validation: every default filled in, every `like` followed, nothing left to interpret.
 */

export type Engine = "vllm" | "sglang";

export interface Server {
  engine: Engine;
  /** Image with a fixed tag or digest. */
  image: string;
  /** Arguments after those that the program sets. */
  args: readonly string[];
  /** Places of the arguments that come from a Secret: they stand nowhere else in clear. Absent: none. */
  secretArgs?: readonly number[];
  /** Whether it is known only that one of them is secret. Default: each is. */
  secretArgsGuessed?: boolean;
  /**
   * Places of secret arguments that stand in the pods in clear, because the pool was made before there was a Secret for
   * them: to move them would start its model servers again. Absent: none.
   */
  clearSecrets?: readonly number[];
  port: number;
  /** How long an update waits at the most until the model servers answer, their machines included. */
  loadingMinutes: number;
}
