import { engines } from "../../components/engines/catalogue";
import type { ModelServerEngine } from "../../components/engines/engine";

/** An engine that nothing in the product knows: everything about it comes from this value. */
const madeUp: ModelServerEngine = {
  name: "made-up",
  title: "Made-Up",
  source: "this test",
  images: { gpu: { repository: "example/made-up", version: "v1.2.3" } },
  port: 9999,
  healthPath: "/ready",
  probes: {
    startup: { periodSeconds: 7, timeoutSeconds: 6 },
    readiness: { periodSeconds: 8, timeoutSeconds: 6, failureThreshold: 4 },
    liveness: { periodSeconds: 9, timeoutSeconds: 6, failureThreshold: 7 },
    loadBalancer: { periodSeconds: 8, timeoutSeconds: 6, failureThreshold: 4 },
  },
  command: ["made-up", "serve"],
  flags: {
    model: "--weights-of",
    servedName: { flag: "--known-as", shortest: "--kn", takes: "one" },
    port: "--listen",
    tls: ["--encrypted"],
    parallel: [["--chips"]],
  },
  serve: ({ port, accelerators }) => ["--listen", String(port), "--chips", String(accelerators)],
  drain: (_image, seconds) => ["--leave-after", String(seconds)],
  environment: () => [{ name: "MADE_UP", value: "yes" }],
  pickerEngine: "made-up-metrics",
  adapters: { supported: false, reason: "nobody made them up" },
  adminPaths: ["/make-up"],
  recognized: /\bmade-up\b/,
  errors: { unknownModel: /no such weights/, otherApi: /no such door/ },
};

/** Before the schema is loaded, which lists the engines: import this module first. */
(engines as ModelServerEngine[]).push(madeUp);
