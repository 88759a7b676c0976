/* The parts that recorded bodies have in common. */

export const usage = {
  prompt_tokens: 5,
  total_tokens: 13,
  completion_tokens: 8,
  prompt_tokens_details: null,
};
export const head = { id: "cmpl-6f1a", created: 1764150000, model: "Qwen/Qwen3-8B" };
export const text = { ...head, object: "text_completion" };
export const chat = { ...head, id: "chatcmpl-6f1a", object: "chat.completion" };

export const completion = (choice: object, more: object = {}): object => ({
  ...text,
  choices: [
    { index: 0, text: " Yes", logprobs: null, finish_reason: "length", stop_reason: null, ...choice },
  ],
  usage,
  ...more,
});

export const message = (said: object, finish_reason: string | null = "stop"): object => ({
  ...chat,
  choices: [
    { index: 0, message: { role: "assistant", refusal: null, ...said }, logprobs: null, finish_reason },
  ],
  usage,
});

export const response = (more: object): object => ({
  ...{ id: "resp_1", object: "response", created_at: 1764150000, model: "Qwen/Qwen3-8B" },
  ...{ error: null, incomplete_details: null, status: "completed" },
  output: [
    {
      type: "message",
      id: "msg_1",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "Yes" }],
    },
  ],
  usage: { input_tokens: 5, output_tokens: 8, total_tokens: 13 },
  ...more,
});

export const vectors = (...data: unknown[]): object => ({
  ...{ id: "embd-1", object: "list", created: 1764150000, model: "Qwen/Qwen3-Embedding-8B" },
  data: data.map((embedding, index) => ({ index, object: "embedding", embedding })),
  usage: { prompt_tokens: 3, total_tokens: 3 },
});

export const vllmError = (message: string, type: string, code: number): object => ({
  error: { message, type, param: null, code },
});
export const sglangError = (message: string, code: number): object => ({
  ...{ object: "error", message, type: "BadRequestError", param: null, code },
});

export const html =
  "<!DOCTYPE html>\n<html><head><title>502 Server Error</title></head><body>Error</body></html>";
