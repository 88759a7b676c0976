import type { IncomingMessage, ServerResponse } from "node:http";
import { parseObject, readBody, RequestRefused, sendError, sendJson, sendText } from "./answers";
import type { AdapterAnswer, Adapters } from "./adapters";
import { answerCompletion } from "./completions";
import { readCompletionRequest } from "./completion-request";
import type { Engine } from "./engine";
import type { Fault } from "./faults";
import type { Identity } from "./identity";
import type { AdapterModule, Launch } from "./launch";
import type { Metrics } from "./metrics";

/** What the routes of one model server need of it. */
export interface Serving {
  launch: Launch;
  identity: Identity;
  engine: Engine;
  adapters: Adapters;
  metrics: Metrics;
  startedAt: number;
  isHealthy: () => boolean;
  hasFault: (kind: Fault["kind"]) => boolean;
  /** Milliseconds by which what is asked by GET is answered late. */
  lateMs: () => number;
  log: (line: string) => void;
}

/** SGLang 0.5.4, http_server.py: /health is /health_generate, which sleeps this long before each look. */
const sglangHealthMs = 1000;

export type Route = (request: IncomingMessage, response: ServerResponse) => void;

/** The paths a model server answers on, by "METHOD path". */
export function routesOf(serving: Serving): ReadonlyMap<string, Route> {
  const { launch, identity, engine, adapters, metrics } = serving;
  const headers = (): readonly string[] => identity.headers();
  const health: Route = (_, response) => {
    const answer = (): void =>
      sendText(response, serving.isHealthy() ? 200 : 503, "text/plain", "", headers());
    if (launch.engine === "vllm" || !serving.isHealthy()) {
      answer();
      return;
    }
    // SGLang generates a token for it, and sleeps before it looks for one.
    const timer = setTimeout(answer, sglangHealthMs);
    response.once("close", () => clearTimeout(timer));
  };
  const posted =
    (answer: (body: Record<string, unknown>, response: ServerResponse) => void): Route =>
    (request, response) =>
      readBody(request, response, (body) => {
        try {
          answer(parseObject(body), response);
        } catch (error) {
          sendError(response, error instanceof RequestRefused ? error : unexpected(error), headers());
        }
      });
  const completion = (chat: boolean): Route =>
    posted((body, response) => {
      const request = readCompletionRequest(body, chat, launch.maxModelLength);
      const { model, adapter } = modelFor(serving, request.model, request.adapterField);
      if (launch.embeds) throw notServed(chat ? "Chat Completions" : "Completions");
      if (serving.hasFault("error-200")) {
        sendJson(response, 200, generationError, identity.headers(adapter));
        return;
      }
      const breaks = serving.hasFault("error-in-stream");
      answerCompletion(response, request, chat, { engine, identity, model, adapter, breaks });
    });
  const embeddings = posted((body, response) => {
    const { model } = modelFor(serving, text(body["model"]), undefined);
    if (!launch.embeds) throw notServed("Embeddings");
    sendJson(response, 200, embeddingsFor(model, body["input"]), headers());
  });
  const routes = new Map<string, Route>([
    ["GET /health", health],
    ["GET /v1/models", (_, response) => sendJson(response, 200, models(serving), headers())],
    ["POST /v1/completions", completion(false)],
    ["POST /v1/chat/completions", completion(true)],
    ["POST /v1/embeddings", embeddings],
  ]);
  if (launch.metrics) {
    routes.set("GET /metrics", (_, response) => {
      sendText(response, 200, "text/plain; version=0.0.4; charset=utf-8", metrics.print(engine), headers());
    });
  }
  const changeAdapter = (action: (body: Record<string, unknown>) => AdapterAnswer): Route =>
    posted((body, response) => {
      const answer = action(body);
      serving.log(answer.message);
      if (launch.engine === "sglang") sendSglang(response, answer, adapters, headers());
      else if (answer.status !== 200) throw new RequestRefused(answer.status, answer.type, answer.message);
      else sendText(response, 200, "text/plain; charset=utf-8", answer.message, headers());
    });
  const load = changeAdapter((body) =>
    adapters.load(text(body["lora_name"]), text(body["lora_path"]), body["load_inplace"] === true),
  );
  const unload = changeAdapter((body) => adapters.unload(text(body["lora_name"])));
  if (launch.engine === "vllm") {
    routes.set("GET /ping", health).set("POST /ping", health);
    routes.set("GET /version", (_, response) =>
      sendJson(response, 200, { version: launch.version }, headers()),
    );
    // vLLM leaves these two out, so that they are not found, where updates at run time are not allowed.
    if (launch.adapters.runtimeUpdates) {
      routes.set("POST /v1/load_lora_adapter", load).set("POST /v1/unload_lora_adapter", unload);
    }
  } else {
    routes.set("GET /health_generate", health);
    routes.set("GET /get_model_info", (_, response) =>
      sendJson(response, 200, { model_path: launch.model, is_generation: true }, headers()),
    );
    routes.set("POST /load_lora_adapter", load).set("POST /unload_lora_adapter", unload);
  }
  for (const [path, route] of routes) if (path.startsWith("GET ")) routes.set(path, delayed(route, serving));
  return launch.apiKeys.length === 0 ? routes : guarded(routes, launch);
}

function delayed(route: Route, { lateMs }: Serving): Route {
  return (request, response) => {
    const late = lateMs();
    if (late === 0) {
      route(request, response);
      return;
    }
    const timer = setTimeout(() => route(request, response), late);
    response.once("close", () => clearTimeout(timer));
  };
}

/** vLLM's check stands before what begins with /v1, SGLang's before everything but health and metrics. */
function guarded(
  routes: ReadonlyMap<string, Route>,
  { engine, apiKeys }: Launch,
): ReadonlyMap<string, Route> {
  const allowed = new Set(apiKeys.map((key) => `Bearer ${key}`));
  const open = engine === "vllm" ? / \/(?!v1)/ : / \/(health|metrics)/;
  const check =
    (route: Route): Route =>
    (request, response) => {
      if (allowed.has(request.headers.authorization ?? "")) route(request, response);
      else sendJson(response, 401, { error: "Unauthorized" }, []);
    };
  return new Map([...routes].map(([path, route]) => [path, open.test(path) ? route : check(route)]));
}

const generationError = {
  error: { message: "EngineCore encountered an issue", type: "InternalServerError", param: null, code: 500 },
};

function notServed(api: string): RequestRefused {
  return new RequestRefused(400, "BadRequestError", `The model does not support ${api} API`);
}

/** As many vectors as texts; the same text has the same one. */
function embeddingsFor(model: string, input: unknown): unknown {
  const inputs: unknown[] = Array.isArray(input) ? input : [input];
  return {
    ...{ id: "embd-lab", object: "list", created: Math.floor(new Date().getTime() / 1000), model },
    data: inputs.map((value, index) => {
      const { length } = String(value);
      return { index, object: "embedding", embedding: [1, 2, 3, 4].map((n) => Math.cos(n * (length + 1))) };
    }),
    usage: { prompt_tokens: inputs.length, total_tokens: inputs.length, completion_tokens: 0 },
  };
}

/** @throws RequestRefused 404 in vLLM's words. */
function modelFor(
  serving: Serving,
  asked: string | undefined,
  adapterField: string | undefined,
): { model: string; adapter: AdapterModule | undefined } {
  const { launch, adapters } = serving;
  const model = asked ?? launch.names[0] ?? launch.model;
  const withPath = (name: string): AdapterModule | undefined => {
    const path = adapters.pathOf(name);
    return path === undefined ? undefined : { name, path };
  };
  if (launch.engine === "sglang") {
    // SGLang does not look at the model's name: "base:adapter" or the field "lora_path" choose an adapter, and
    // anything else, also an adapter's bare name, is answered by the base model.
    const name = model.includes(":") ? model.slice(model.indexOf(":") + 1) : adapterField;
    if (name === undefined) return { model, adapter: undefined };
    const adapter = withPath(name);
    if (adapter !== undefined) return { model, adapter };
    const loaded = `{${adapters.names.map((one) => `'${one}'`).join(", ")}}`;
    throw new RequestRefused(
      400,
      "BadRequestError",
      `Got LoRA adapter that has never been loaded: ${name}. All loaded adapters: ${loaded}.`,
    );
  }
  if (launch.names.includes(model)) return { model, adapter: undefined };
  if (adapters.pathOf(model) === undefined) {
    const answer = adapters.resolve(model);
    if (answer?.status === 400) throw new RequestRefused(answer.status, answer.type, answer.message);
  }
  const adapter = withPath(model);
  if (adapter !== undefined) return { model, adapter };
  throw new RequestRefused(404, "NotFoundError", `The model \`${model}\` does not exist.`, "model");
}

function models({ launch, adapters, startedAt }: Serving): unknown {
  const owned_by = launch.engine;
  const card = { object: "model", created: startedAt, owned_by };
  const permitted = (id: string): object =>
    launch.engine === "vllm" ? { permission: [permission(id, startedAt)] } : {};
  return {
    object: "list",
    data: [
      ...launch.names.map((id) => ({
        id,
        ...card,
        root: launch.model,
        parent: null,
        max_model_len: launch.maxModelLength ?? null,
        ...permitted(id),
      })),
      ...adapters.list().map(({ name, path }) => ({
        id: name,
        ...card,
        root: path,
        parent: launch.names[0],
        ...permitted(name),
      })),
    ],
  };
}

/** What vLLM says anybody may do with a model: always the same. */
function permission(model: string, created: number): unknown {
  return {
    id: `modelperm-${model}`,
    object: "model_permission",
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: "*",
    group: null,
    is_blocking: false,
  };
}

function sendSglang(
  response: ServerResponse,
  answer: AdapterAnswer,
  adapters: Adapters,
  headers: readonly string[],
): void {
  const success = answer.status === 200;
  const loaded_adapters = Object.fromEntries(adapters.list().map(({ name, path }) => [name, path]));
  const body = { success, error_message: success ? "" : answer.message, loaded_adapters };
  sendJson(response, success ? 200 : 400, body, headers);
}

/** One bad request must not end the process that serves every pod. */
function unexpected(error: unknown): RequestRefused {
  return new RequestRefused(
    500,
    "InternalServerError",
    error instanceof Error ? error.message : String(error),
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
