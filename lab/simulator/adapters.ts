import { findAdapter, type AdapterFacts } from "./adapter-files";
import type { Fault } from "./faults";
import type { AdapterModule, Launch } from "./launch";
import type { Mount } from "./protocol";

/** An answer to loading or unloading: HTTP status, vLLM's error type, and its own words. */
export interface AdapterAnswer {
  status: number;
  type: string;
  message: string;
}

/** The LoRA adapters of one model server. Messages are vLLM's (entrypoints/openai/models/serving.py). */
export class Adapters {
  private readonly loaded = new Map<string, string>();
  /** Names in memory, the least recently used first. */
  private readonly memory = new Set<string>();

  constructor(
    private readonly launch: Launch,
    private readonly mounts: readonly Mount[],
    private readonly faults: () => readonly Fault[],
    /** Whether a registry such as Hugging Face has lost this adapter. */
    private readonly isLost: (path: string) => boolean = () => false,
  ) {}

  get names(): string[] {
    return [...this.loaded.keys()];
  }

  list(): AdapterModule[] {
    return [...this.loaded].map(([name, path]) => ({ name, path }));
  }

  pathOf(name: string): string | undefined {
    return this.loaded.get(name);
  }

  /** Whether the adapter has to be brought back into memory first, because others pushed it out. */
  use(name: string): boolean {
    const again = !this.memory.delete(name);
    this.memory.add(name);
    this.forget();
    return again;
  }

  load(name: string, path: string, inPlace = false): AdapterAnswer {
    if (name === "" || path === "") {
      return invalid("Both 'lora_name' and 'lora_path' must be provided.");
    }
    if (this.loaded.has(name) && !inPlace) {
      return invalid(
        `The lora adapter '${name}' has already been loaded. If you want to load the adapter in place, ` +
          "set 'load_inplace' to True.",
      );
    }
    const { adapters, model } = this.launch;
    if (!adapters.enabled) {
      return broken("LoRA is not enabled. Use `--enable-lora` to enable LoRA.");
    }
    if (this.faults().some((fault) => fault.kind === "fail-adapter" && ["*", name].includes(fault.adapter))) {
      return broken("CUDA out of memory. (LAB_FAULT)");
    }
    const facts = this.isLost(path) ? undefined : findAdapter(path, this.mounts, adapters.known);
    if (facts === undefined) {
      const message = `Loading lora ${name} failed: No adapter found for ${path}`;
      return { status: 404, type: "NotFoundError", message };
    }
    if (facts.rank > adapters.maxRank) {
      return broken(`LoRA rank ${facts.rank} is greater than max_lora_rank ${adapters.maxRank}.`);
    }
    if (!fits(facts, model)) {
      return broken(
        "The size of tensor a (4096) must match the size of tensor b (5120) at non-singleton dimension 0",
      );
    }
    this.loaded.set(name, path);
    this.use(name);
    return { status: 200, type: "", message: `Success: LoRA adapter '${name}' added successfully.` };
  }

  unload(name: string): AdapterAnswer {
    if (name === "") return invalid("'lora_name' needs to be provided to unload a LoRA adapter.");
    if (!this.loaded.delete(name)) {
      return { status: 404, type: "NotFoundError", message: `The lora adapter '${name}' cannot be found.` };
    }
    this.memory.delete(name);
    return { status: 200, type: "", message: `Success: LoRA adapter '${name}' removed successfully.` };
  }

  /**
   * vLLM's lora_filesystem_resolver: a request for a name that is not loaded looks for a folder of that name.
   * Only what is really there counts: a folder the lab cannot look into would make every name an adapter.
   */
  resolve(name: string): AdapterAnswer | undefined {
    const folder = this.launch.adapters.resolverFolder;
    if (folder === undefined || name.startsWith("/") || name.split("/").includes("..")) return undefined;
    const path = `${folder.replace(/\/$/, "")}/${name}`;
    const facts = findAdapter(path, this.mounts, this.launch.adapters.known, true);
    if (facts === undefined || !fits(facts, this.launch.model)) return undefined;
    const answer = this.load(name, path);
    if (answer.status === 200) return answer;
    const message = `LoRA adapter '${name}' was found but could not be loaded.`;
    return { status: 400, type: "BadRequestError", message };
  }

  private forget(): void {
    for (const name of this.memory) {
      if (this.memory.size <= this.launch.adapters.maxInMemory) return;
      this.memory.delete(name);
    }
  }
}

function fits(facts: AdapterFacts, model: string): boolean {
  return facts.base === undefined || facts.base === model;
}

function invalid(message: string): AdapterAnswer {
  return { status: 400, type: "InvalidUserInput", message };
}

/** What fails in the engine comes back with the engine's wrapper around it. */
function broken(message: string): AdapterAnswer {
  return { status: 500, type: "InternalServerError", message: `Call to add_lora method failed: ${message}` };
}
