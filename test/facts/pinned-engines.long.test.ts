import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { engines } from "../../components/engines/catalogue";
import type { ModelServerEngine } from "../../components/engines/engine";
import { mistakesIn, type Known } from "./check-claims";
import { claimsOf } from "./claims";
import { declaredIn, type Declared, type Layout } from "./python-source";
import { requirementsOf, sourcesOf } from "./wheels";

/*
 * What this program says of its model servers, against the packages in their default images: a bump of a version that
 * breaks a flag, a path, a variable or a metric fails here. Needs pip and a package index for the first run.
 */

/** Inference, and what tells of the model without harm. */
const open: Readonly<Record<string, readonly string[]>> = {
  vllm: [
    ...["/health", "/ping", "/version", "/docs", "/v1/models", "/tokenizer_info"],
    ...["/v1/completions", "/v1/chat/completions", "/v1/chat/completions/batch", "/v1/messages"],
    ...["/v1/messages/count_tokens", "/v1/completions/render", "/v1/chat/completions/render"],
    ...["/v1/responses", "/v1/responses/{response_id}", "/v1/responses/{response_id}/cancel"],
    ...["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/embeddings", "/v2/embed", "/pooling"],
    ...["/classify", "/score", "/v1/score", "/rerank", "/v1/rerank", "/v2/rerank", "/generative_scoring"],
    ...["/tokenize", "/detokenize", "/invocations", "/inference/v1/generate"],
  ],
  sglang: [
    ...["/health", "/health_generate", "/ping", "/get_model_info", "/get_weight_version"],
    ...["/v1/models", "/v1/models/{model:path}", "/generate", "/generate_from_file", "/encode"],
    ...["/v1/completions", "/v1/chat/completions", "/v1/embeddings", "/v1/score", "/v1/rerank"],
    ...["/v1/responses", "/v1/responses/{response_id}", "/v1/responses/{response_id}/cancel"],
    ...["/classify", "/v1/classify", "/tokenize", "/v1/tokenize", "/detokenize", "/v1/detokenize"],
    ...["/open_session", "/close_session", "/parse_function_call", "/separate_reasoning"],
    ...["/invocations", "/vertex_generate"],
  ],
};

const known: Readonly<Record<string, Omit<Known, "open">>> = {
  vllm: {
    elsewhere: ["/start_draft_weight_update", "/update_weight_version", "/weight_checker"],
    otherShape: [],
  },
  sglang: {
    // SGLang takes them since a later version; a pod of others that has them is not asked in clear text.
    elsewhere: ["--ssl-certfile", "--ssl-keyfile"],
    // Its scores are those of labels: query, items, label_token_ids (docs/gke.md).
    otherShape: ["/v1/score"],
  },
};

const layouts: Readonly<Record<string, Layout>> = {
  vllm: {
    flags: /^vllm\/(engine\/arg_utils|entrypoints\/openai\/cli_args)\.py$/,
    // A demonstration beside it has a server of its own.
    routes: /^(vllm\/entrypoints\/(?!api_server\.py)|model_hosting_container_standards\/sagemaker\/)/,
  },
  sglang: { flags: /^sglang\/srt\/server_args\.py$/, routes: /^sglang\/srt\/entrypoints\// },
};

const variants = engines.flatMap((engine) =>
  (["gpu", "tpu"] as const)
    .filter((family) => engine.images[family] !== undefined)
    .map((family) => ({ engine, family })),
);

for (const { engine, family } of variants) {
  const requirements = requirementsOf(engine, family);
  describe(`${engine.title} on ${family === "gpu" ? "GPUs" : "TPUs"}: ${requirements.join(", ")}`, () => {
    let declared: Declared;
    before(async () => {
      const layout = layouts[engine.name];
      const decided = open[engine.name];
      assert.ok(
        layout !== undefined && decided !== undefined,
        `${engine.name}: say here where its parser is`,
      );
      const sources = await Promise.all(requirements.map((requirement) => sourcesOf(requirement)));
      declared = declaredIn(Object.assign({}, ...sources) as Record<string, string>, layout);
    });
    const mistakes = (changed: Partial<ModelServerEngine> = {}): string[] =>
      mistakesIn(claimsOf({ ...engine, ...changed }, family), declared, {
        ...{ open: open[engine.name] ?? [], elsewhere: [], otherShape: [] },
        ...known[engine.name],
      });

    it("has every flag, variable, endpoint, metric and error that this program names", () => {
      assert.ok(declared.flags.length > 100 && declared.routes.length > 30, "the sources were read");
      assert.deepEqual(mistakes(), []);
    });

    it("is found out where one of them is wrong", () => {
      const { serve, adminPaths, environment } = engine;
      const wrong: [Partial<ModelServerEngine>, RegExp][] = [
        [{ serve: (launch) => [...serve(launch), "--enable-everything"] }, /flag --enable-everything/],
        [{ healthPath: "/healthy" }, /GET \/healthy \(probes\): no such endpoint/],
        [{ adminPaths: adminPaths.slice(1) }, new RegExp(`${adminPaths[0] ?? ""}: customers reach it`)],
        [{ adminPaths: [...adminPaths, "/turn_off"] }, /\/turn_off \(closed\): the server has no such/],
        [
          { environment: (...given) => [...environment(...given), { name: "SERVER_CASH", value: "1" }] },
          /environment variable SERVER_CASH: nothing reads it/,
        ],
        [{ metrics: { queue: "x:waiting", cache: "x:cache" } }, /metric x:waiting/],
      ];
      for (const [changed, text] of wrong) {
        const found = mistakes(changed);
        assert.ok(
          found.length > 0 && found.some((line) => text.test(line)),
          `${String(text)}: ${found.join("; ")}`,
        );
      }
    });
  });
}
