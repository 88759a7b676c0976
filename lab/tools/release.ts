import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { GoArch, Release, Tool } from "./catalogue";
import { runCommand, tail } from "./command";
import { SourceFailed } from "./sources";

/** How long a release host may take to answer before the tool is built instead. */
const answerSeconds = 5;
const downloadSeconds = 600;

/**
 * Downloads the official release of a tool into `folder`, where one exists and the network lets us.
 * Nothing is kept that does not match the published SHA-256.
 */
export async function downloadRelease(tool: Tool, release: Release, folder: string): Promise<void> {
  const arch = goArch();
  const url = release.url(arch);
  const file = path.basename(new URL(url).pathname);
  const list = await fetchText(release.checksums(arch));
  const expected = checksumIn(list, file);
  if (expected === undefined)
    throw new SourceFailed(url, `no SHA-256 for ${file} in ${release.checksums(arch)}`);
  const body = await fetchBytes(url);
  const actual = createHash("sha256").update(body).digest("hex");
  if (actual !== expected) throw new SourceFailed(url, `SHA-256 is ${actual}, published is ${expected}`);
  const target = path.join(folder, tool.name);
  if (release.member === undefined) {
    fs.writeFileSync(target, body, { mode: 0o755 });
    return;
  }
  const archive = path.join(folder, file);
  fs.writeFileSync(archive, body);
  const unpacked = await runCommand("tar", ["-xzf", archive, "-C", folder]);
  if (unpacked.status !== 0) throw new SourceFailed(`tar -xzf ${file}`, tail(unpacked.output));
  const member = release.member(arch);
  const extras = release.beside?.(arch) ?? [];
  // The program may bear the name of the folder it comes in, so it takes a detour.
  const staged = [member, ...extras]
    .map((name) => ({ from: path.join(folder, name), name: path.basename(name) }))
    .filter((entry) => fs.existsSync(entry.from))
    .map((entry) => {
      const stage = path.join(folder, `.staged-${entry.name}`);
      fs.renameSync(entry.from, stage);
      return { stage, name: entry.name };
    });
  fs.rmSync(archive);
  const top = member.split("/")[0];
  if (top !== undefined && top !== member)
    fs.rmSync(path.join(folder, top), { recursive: true, force: true });
  for (const entry of staged) fs.renameSync(entry.stage, path.join(folder, entry.name));
}

/** The checksum of `file` in a "<sha256>  <name>" list, or in a file that holds nothing but one checksum. */
export function checksumIn(list: string, file: string): string | undefined {
  const lines = list.split("\n").map((line) => line.trim().split(/\s+/));
  const named = lines.find(
    ([, name]) => name !== undefined && path.basename(name.replace(/^\*/, "")) === file,
  );
  const found = named?.[0] ?? (lines.filter(([sum]) => sum !== "").length === 1 ? lines[0]?.[0] : undefined);
  return found !== undefined && /^[0-9a-f]{64}$/.test(found) ? found : undefined;
}

function goArch(): GoArch {
  return process.arch === "arm64" ? "arm64" : "amd64";
}

async function fetchText(url: string): Promise<string> {
  return (await request(url, answerSeconds)).text();
}

async function fetchBytes(url: string): Promise<Buffer> {
  return Buffer.from(await (await request(url, downloadSeconds)).arrayBuffer());
}

async function request(url: string, seconds: number): Promise<Response> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(seconds * 1000) });
    if (!response.ok) throw new SourceFailed(url, `HTTP ${response.status}`);
    return response;
  } catch (error) {
    if (error instanceof SourceFailed) throw error;
    const cause = error instanceof Error ? (error.cause instanceof Error ? error.cause : error) : undefined;
    throw new SourceFailed(url, cause?.message ?? String(error));
  }
}
