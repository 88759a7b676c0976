/**
 * How a model server leaves without breaking a stream. The three numbers depend on each other, so they are one
 * constant. Source: the inference extension's vLLM manifest, whose comments derive them.
 */
export const draining = {
  /** A terminating pod goes on serving this long: gateways need it to notice that the pod is leaving. */
  preStopSeconds: 30,
  /** Then it takes nothing new and finishes what it has, this long at the most. */
  finishSeconds: 90,
  /** Then it is killed: the sum, and some seconds for the server's own end. */
  graceSeconds: 130,
} as const;
