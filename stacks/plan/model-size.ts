import type { Observed } from "./observed";
import type { OwnedPool } from "./service-config";
import { isNew } from "./zones";

/*
 * How large a model is, from its name alone: enough to warn of nodes where it cannot fit.
 */

/** Bytes of one parameter where the name says how they are stored; else they are 16-bit. */
const formats: readonly (readonly [RegExp, number])[] = [
  [/(^|[-_.])(awq|gptq|int4|4bit|w4a16|nvfp4|mxfp4|fp4)([-_.]|$)|gpt-oss/i, 0.6],
  [/(^|[-_.])(fp8|int8|8bit|w8a8|w8a16)([-_.]|$)/i, 1.05],
];

/** Gigabytes of a model's weights by its name (Llama-3.3-70B-Instruct, Mixtral-8x7B); undefined: it does not say. */
export function weightsGb(model: string): number | undefined {
  const name = model.split("/").at(-1) ?? model;
  // The first size counts: what follows it (235B-A22B) are the parameters in use.
  const [, experts = "1", size, unit = ""] =
    /(?:^|[-_.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bt])(?![a-z0-9])/i.exec(name) ?? [];
  if (size === undefined) return undefined;
  const billions = Number(experts) * Number(size) * (unit.toLowerCase() === "t" ? 1000 : 1);
  return billions * (formats.find(([pattern]) => pattern.test(name))?.[1] ?? 2);
}

/** The image, the node's own files, and what GKE keeps free, in gigabytes. */
const besideWeights = 40;
/** GKE's default boot disk. */
const defaultDiskGb = 100;
/** The kubelet evicts pods at 10 % free space. */
const usable = 0.9;

/** Gigabytes of boot disk that a node needs for weights that each replica downloads. */
const diskFor = (weights: number, replicas: number): number =>
  Math.ceil((weights * replicas + besideWeights) / usable / 50) * 50;

/** What does not fit, by the model's name: a guess, so never a reason to refuse. */
export function sizeWarnings({ name, model, hardware, placement, weights, server }: OwnedPool): string[] {
  const size = weightsGb(model);
  if (size === undefined) return [];
  const { accelerator, machine, hosts, replicasPerNode } = placement;
  const about = `${name}: the weights of ${model} take about ${Math.round(size)} GB, judging by its name`;
  const [part, whole] = (machine.share ?? "1/1").split("/").map(Number);
  const memory = (accelerator.memoryGb * hardware.acceleratorsPerReplica * (part ?? 1)) / (whole ?? 1);
  const quantizes = server.args.some((arg) => arg.startsWith("--quantization"));
  const warnings: string[] = [];
  // Without room for a KV cache nothing is served either.
  if (!quantizes && size > memory * usable) {
    warnings.push(
      `${about}, and a replica has ${Math.round(memory)} GB of accelerator memory: it does not load there; give it more accelerators (pools.${name}.acceleratorsPerReplica) or a quantized model`,
    );
  }
  const disk = hardware.diskGb ?? defaultDiskGb;
  const needs = diskFor(size / hosts, replicasPerNode);
  if (weights.from === "hugging-face" && machine.localSsds === undefined && needs > disk) {
    warnings.push(
      `${about}, ${replicasPerNode === 1 ? "" : `${replicasPerNode} replicas share a node, `}and each replica downloads them to the node's boot disk of ${disk} GB: its pods would be evicted over and over; set pools.${name}.diskGb to ${needs} or more, or read the weights from a bucket (docs/gke.md)`,
    );
  }
  return warnings;
}

/** The same for the pools that an update creates: of those that exist, people know. */
export function modelSizeNotes(observed: Observed, pools: readonly { pool: OwnedPool }[]): string[] {
  return pools
    .filter(({ pool }) => pool.templateOf === undefined && isNew(pool, observed))
    .flatMap(({ pool }) => sizeWarnings(pool));
}
