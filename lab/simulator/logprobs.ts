import { RequestRefused } from "./answers";

/** Alternatives for a token that vLLM shows at most (`--max-logprobs`). */
const maxLogprobs = 20;

/**
 * How many alternatives a request wants for each token; undefined: no log probabilities.
 * A chat says `logprobs: true, top_logprobs: N`, a completion `logprobs: N`.
 * @throws RequestRefused 400 in vLLM's words.
 */
export function readLogprobs(body: Readonly<Record<string, unknown>>, chat: boolean): number | undefined {
  const { logprobs, top_logprobs: top } = body;
  if (chat && logprobs !== true) {
    if (typeof top === "number" && top !== 0) {
      throw refused("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
    }
    return undefined;
  }
  const count = (chat ? top : logprobs) ?? (chat ? 0 : undefined);
  if (count === undefined) return undefined;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 0) {
    throw refused("Input should be a valid integer", chat ? "top_logprobs" : "logprobs");
  }
  if (count > maxLogprobs) {
    throw refused(
      `Requested sample logprobs of ${count}, which is greater than max allowed: ${maxLogprobs}`,
      chat ? "top_logprobs" : "logprobs",
    );
  }
  return count;
}

/** A token that was, or could have been, chosen. */
interface Candidate {
  token: string;
  logprob: number;
}

/** The tokens of a choice, by position. */
export interface Vocabulary {
  /** The token at a position. */
  at(position: number): string;
}

/**
 * Log probabilities of the tokens from `from` on, in the form of the API that was asked. The numbers are made up, and
 * the same for every server: the more likely a token is said to be, the earlier it stands.
 */
export function logprobsOf(
  vocabulary: Vocabulary,
  { chat, top, from, count }: { chat: boolean; top: number; from: number; count: number },
): unknown {
  const positions = Array.from({ length: count }, (_, i) => from + i);
  const candidates = positions.map((position) => candidatesAt(vocabulary, position, top));
  const chosen = candidates.map(([first]) => first ?? { token: "", logprob: 0 });
  if (chat) {
    const content = chosen.map((one, i) => ({
      ...withBytes(one),
      top_logprobs: (candidates[i] ?? []).slice(0, top).map(withBytes),
    }));
    return { content };
  }
  let offset = 0;
  for (let position = 0; position < from; position++) offset += vocabulary.at(position).length;
  const offsets = chosen.map(({ token }) => {
    const here = offset;
    offset += token.length;
    return here;
  });
  return {
    text_offset: offsets,
    token_logprobs: chosen.map(({ logprob }) => logprob),
    tokens: chosen.map(({ token }) => token),
    top_logprobs: candidates.map((all) =>
      Object.fromEntries(all.map(({ token, logprob }) => [token, logprob])),
    ),
  };
}

/** The token itself first, then `top` others. */
function candidatesAt(vocabulary: Vocabulary, position: number, top: number): Candidate[] {
  return Array.from({ length: top + 1 }, (_, rank) => ({
    token: rank === 0 ? vocabulary.at(position) : `${vocabulary.at(position + rank)}${rank}`,
    logprob: -0.05 - rank * 1.5,
  }));
}

function withBytes({ token, logprob }: Candidate): Candidate & { bytes: number[] } {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}

function refused(message: string, param: string): RequestRefused {
  return new RequestRefused(400, "BadRequestError", message, param);
}
