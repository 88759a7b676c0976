import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mistakesIn, type Known } from "./check-claims";
import type { Claims } from "./claims";
import { declaredIn, type Sources } from "./python-source";

/* The checker on sources written for this test, in the ways in which model servers write theirs. */

const sources: Sources = {
  "server/launch.py": `
# parser.add_argument("--commented-out")
TIMEOUT = int(os.getenv("SERVER_HEALTH_TIMEOUT", 20))
HEALTH_CHECK_TIMEOUT = int(os.getenv("SERVER_HEALTH_TIMEOUT", 20))

def add_cli_args(parser):
    parser.add_argument(
        "--tensor-parallel-size",
        "--tp-size",
        type=int,
        help="How many (of all), it's said.",
    )
    parser.add_argument("--backend", choices=["ray", "mp"])
    group.add_argument("-pp", "--pipeline-parallel-size", **parallel_kwargs["pipeline_parallel_size"])
    group.add_argument("--served-model-name", **model_kwargs["served_model_name"])
    group.add_argument("--server-port", **kwargs["server_port"])
    group.add_argument("--load-format", **load_kwargs["load_format"])
    parser.add_argument("--names", nargs="+")

if __name__ == "__main__":
    main()
`,
  "server/config.py": `
LoadFormats = Literal["auto", "streamer"]

class Base(OpenAIModel):
    model: str
    """A model: any."""
    prompt: Union[
        list[int], str
    ] = None

class CompletionRequest(Base):
    max_tokens: int | None = 16

class ModelConfig:
    served_model_name: str | list[str] | None = None
    load_format: str | LoadFormats = "auto"
    server_port: int = 1

class FrontendArgs:
    ssl_keyfile: str | None = None
    """Where the key is."""

environment_variables = {
    "SERVER_CACHE": lambda: os.getenv("SERVER_" + "CACHE", ""),
    "SERVER_BACKEND":
    env_with_choices("SERVER_BACKEND", "", ["ray"]),
}

class Envs:
    SERVER_FIELD = EnvBool(False)
`,
  "server/http.py": `
@app.get("/health")
@app.get("/health_generate")
async def health(request: Request) -> Response:
    await asyncio.sleep(1)
    if time.time() > start + HEALTH_CHECK_TIMEOUT:
        return Response(status_code=503)
    return Response(status_code=200)

@router.post("/v1/completions", dependencies=[Depends(validate)])
async def completions(request: CompletionRequest, raw: Request):
    raise NotFound(f"The model \`{request.model}\` "
                   "does not exist.")

@router.get("/v1/models")
async def models(): ...

@app.api_route("/flush", methods=["GET", "POST"])
async def flush(): ...

@app.post("/weights/{name}")
async def weights(obj: WeightsReq): ...

app.routes.append(Mount("/metrics", make_asgi_app()))
waiting = Gauge(name="server:waiting")
total = Counter("server:requests")
`,
};

const probes = [{ name: "readinessProbe", periodSeconds: 5, timeoutSeconds: 25 }];
const right: Claims = {
  of: "server",
  modules: ["server.launch"],
  flags: [
    { flag: "--tp-size", word: "4" },
    { flag: "--tp" },
    { flag: "-pp" },
    { flag: "--backend", word: "ray" },
    { flag: "--load-format", word: "streamer" },
    { flag: "--ssl-keyfile" },
  ],
  servedName: { flag: "--served-model-name", shortest: "--served", takes: "several" },
  environment: ["SERVER_CACHE", "SERVER_BACKEND", "SERVER_FIELD", "SERVER_HEALTH_TIMEOUT"],
  asked: [
    { method: "GET", path: "/v1/models", fields: [], by: "the gate" },
    { method: "GET", path: "/metrics", fields: [], by: "the picker" },
    { method: "POST", path: "/v1/completions", fields: ["model", "prompt", "max_tokens"], by: "the gate" },
  ],
  health: { path: "/health", probes },
  closed: ["/flush", "/weights", "/metrics", "/sleep"],
  metrics: ["server:waiting", "server:requests_total"],
  errors: [/\bmodel\b[^.]*does not exist/],
};
const known: Known = {
  open: ["/health", "/health_generate", "/v1/completions", "/v1/models"],
  elsewhere: ["/sleep"],
  otherShape: [],
};
const declared = declaredIn(sources);
const check = (changes: Partial<Claims>, other: Partial<Known> = {}): string[] =>
  mistakesIn({ ...right, ...changes }, declared, { ...known, ...other });

describe("claims about a model server", () => {
  it("hold where its sources say so", () => {
    assert.deepEqual(check({}), []);
  });

  const wrong: [string, Partial<Claims>, RegExp][] = [
    [
      "a flag that is not there",
      { flags: [{ flag: "--tensor-parallel" }, { flag: "--chips" }] },
      /flag --chips/,
    ],
    ["a flag in a comment", { flags: [{ flag: "--commented-out" }] }, /flag --commented-out/],
    ["an abbreviation of two flags", { flags: [{ flag: "--ser" }] }, /flag --ser:/],
    ["a word that a flag does not take", { flags: [{ flag: "--backend", word: "rai" }] }, /one of ray, mp/],
    [
      "a word that the type of its field does not have",
      { flags: [{ flag: "--load-format", word: "stream" }] },
      /one of auto, streamer/,
    ],
    [
      "a flag of several names that is said to take one",
      { servedName: { ...right.servedName, takes: "one" } },
      /takes several names/,
    ],
    [
      "an abbreviation that others share",
      { servedName: { ...right.servedName, shortest: "--serve" } },
      /--serve is no abbreviation/,
    ],
    [
      "an abbreviation that is not the shortest",
      { servedName: { ...right.servedName, shortest: "--served-" } },
      /--served is an abbreviation too/,
    ],
    ["a variable that nothing reads", { environment: ["SERVER_CASH"] }, /variable SERVER_CASH/],
    ["a module that is not there", { modules: ["server.start"] }, /module server.start/],
    ["a module that is no program", { modules: ["server.http"] }, /no program/],
    [
      "an endpoint that is not there",
      { asked: [{ method: "POST", path: "/v1/complete", fields: [], by: "the gate" }] },
      /POST \/v1\/complete \(the gate\)/,
    ],
    [
      "an endpoint of another method",
      { asked: [{ method: "POST", path: "/v1/models", fields: [], by: "the gate" }] },
      /POST \/v1\/models/,
    ],
    [
      "a field that the request does not have",
      { asked: [{ method: "POST", path: "/v1/completions", fields: ["tokens"], by: "the gate" }] },
      /CompletionRequest has no field tokens/,
    ],
    ["health where there is none", { health: { path: "/ready", probes } }, /GET \/ready/],
    [
      "a probe that gives up before the handler does",
      {
        health: { path: "/health", probes: [{ name: "startupProbe", periodSeconds: 1, timeoutSeconds: 1 }] },
      },
      /startupProbe waits 1 s, but the handler may take 20 s/,
    ],
    ["a metric of another name", { metrics: ["server:queue"] }, /metric server:queue/],
    ["an error that nobody words so", { errors: [/no such weights/] }, /error \/no such weights\//],
    [
      "a path that is left open",
      { closed: ["/weights", "/metrics", "/sleep"] },
      /\/flush: customers reach it/,
    ],
    [
      "a path that is closed under a wrong name",
      { closed: ["/flush_cash", "/weights", "/metrics", "/sleep"] },
      /\/flush_cash \(closed\): the server has no such endpoint/,
    ],
    ["a path that customers need", { closed: [...right.closed, "/v1"] }, /\/v1\/models: customers need it/],
  ];
  for (const [what, changes, text] of wrong) {
    it(`do not hold for ${what}`, () => {
      const found = check(changes);
      assert.ok(
        found.some((line) => text.test(line)),
        found.join("\n") || "no mistake was found",
      );
    });
  }

  it("are no reason to keep a list of what other versions have", () => {
    assert.match(check({}, { elsewhere: ["/sleep", "/flush"] }).join(), /\/flush: it is not one/);
  });
});

it("routes that a package lists are routes too", () => {
  const listed = `
ROUTES = {
    Kind.ADD: RouteConfig(
        path="/adapters",
        method="POST",
        summary="Add one, or (many)",
    ),
    Kind.TELL: RouteConfig(path="/told"),
    Kind.OTHER: RouteConfig(path=prefix + "/unknown"),
}
`;
  assert.deepEqual(
    declaredIn({ "routes.py": listed }).routes.map(({ path, methods }) => [path, methods]),
    [
      ["/adapters", ["POST"]],
      ["/told", ["GET"]],
    ],
  );
});
