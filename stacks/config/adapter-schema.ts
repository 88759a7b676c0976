import { z } from "zod";
import { integer, text } from "./fields";

/*
 * The shape of one entry of `adapters`. Error texts are what is allowed, as in schema.ts.
 */

const modelName = "a model name: letters, digits and . _ / -, beginning with a letter or digit";
const versionName = "a version of at most 40 characters: letters, digits and . _ -, as v1";
const sourceName =
  "a Hugging Face repository, as acme/food-review, or a folder in a bucket, as gs://bucket/path";

/** A name as clients write it into `model`: what model servers, the picker's metrics and a shell all take. */
export const clientName = z
  .string({ error: modelName })
  .max(128, modelName)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, modelName);

const version = z
  .string({ error: versionName })
  .max(40, versionName)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, versionName);

const source = z
  .string({ error: sourceName })
  .regex(
    /^(gs:\/\/[a-z0-9][a-z0-9._-]+\/[A-Za-z0-9._/-]*[A-Za-z0-9._-]|[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9][A-Za-z0-9._-]*)$/,
    sourceName,
  );

const candidateSchema = z.strictObject(
  {
    version: version.describe("Version that is rolled out beside the present one."),
    source: source.describe("Where it comes from."),
  },
  { error: "an object with version and source" },
);

export const adapterSchema = z.strictObject(
  {
    name: clientName.describe("The model name that clients ask for; it stays through every version."),
    version: version
      .optional()
      .describe(
        "Version that serves. It is loaded as <name>-<version>, so that two fit side by side. Default: v1.",
      ),
    source: source.describe(
      "Where the adapter comes from: a Hugging Face repository or gs://bucket/path. A new source is a new version.",
    ),
    bases: z
      .array(text("a model, as Qwen/Qwen3-8B"), { error: "a list of models" })
      .min(1, "at least one model")
      .optional()
      .describe("Base models the adapter was trained for. Default: the stack's model."),
    candidate: candidateSchema
      .optional()
      .describe("The version that is rolled out; absent: no rollout of this adapter under way."),
    weight: integer(0, 100, ": the candidate version's share of this adapter's requests in percent")
      .optional()
      .describe("Default: 0. Moved by pulumi config set --path 'adapters[0].weight' 30."),
  },
  { error: "an object with name, version, source, bases, candidate, weight" },
);

export type AdapterInput = z.infer<typeof adapterSchema>;
