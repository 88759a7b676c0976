/*
 * Whether a split is right. Every request falls to the candidate independently with the probability that its
 * weight says, so the number of those that did is binomial.
 */

export interface Split {
  /** Requests that were counted. */
  requests: number;
  /** Those that the candidate answered. */
  candidate: number;
}

/** Standard deviation of the measured share. */
export function sigmaOf(requests: number, expected: number): number {
  return requests === 0 ? 0 : Math.sqrt((expected * (1 - expected)) / requests);
}

/**
 * Probability that chance alone puts a split at least as far from what is expected, on either side. 0 and 1 are
 * exact: there, a single request on the wrong side has probability 0.
 */
export function chanceOf({ requests, candidate }: Split, expected: number): number {
  if (expected <= 0) return candidate === 0 ? 1 : 0;
  if (expected >= 1) return candidate === requests ? 1 : 0;
  if (requests === 0) return 1;
  const lower = tail(requests, expected, 0, candidate);
  const upper = tail(requests, expected, candidate, requests);
  return Math.min(1, 2 * Math.min(lower, upper));
}

/** Probability of a number from `from` to `to`, both included. */
function tail(n: number, p: number, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k <= to; k++) {
    sum += Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p));
  }
  return Math.min(1, sum);
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const factorials: number[] = [0];

function logFactorial(n: number): number {
  for (let i = factorials.length; i <= n; i++) factorials.push((factorials[i - 1] ?? 0) + Math.log(i));
  return factorials[n] ?? 0;
}

/**
 * A first sample beyond this (three sigma) is not yet a wrong split: with 35 splits in a run that alone would fail
 * 9 runs of 100. A second sample, four times as large, decides.
 */
export const doubtful = 0.0027;
/**
 * The second sample's bound. Both together raise a false alarm at one split in 1/(0.0027 x 0.0009), so at 35 splits
 * in less than one run of 10,000.
 */
export const wrong = 0.0009;

/** Upper bound, at 95 % confidence, of a rate of which nothing was seen in n trials. */
export function boundOfZero(n: number): number {
  return n === 0 ? 1 : 1 - Math.pow(0.05, 1 / n);
}
