/*
 * What a Python package declares, read from its sources as text: nothing of it is run, because it would need its
 * accelerator. Pure: texts in, declarations out.
 */

/** Sources of a package by path in its wheel: `vllm/envs.py`. */
export type Sources = Readonly<Record<string, string>>;

export interface Flag {
  /** All ways to spell it: `--tensor-parallel-size`, `-tp`. */
  names: readonly string[];
  /** Whether it takes several words. */
  several: boolean;
  /** The words it takes, where the source lists them. */
  choices?: readonly string[];
}

export interface Route {
  /** `/v1/responses/{response_id}` as it is declared. */
  path: string;
  /** Upper case. */
  methods: readonly string[];
  /** Type of the handler's body, where it names one. */
  body?: string;
  /** Text of the handler. */
  handler: string;
}

export interface Declared {
  flags: readonly Flag[];
  routes: readonly Route[];
  /** Environment variables that it reads. */
  environment: ReadonlySet<string>;
  /** Names of Prometheus metrics. */
  metrics: ReadonlySet<string>;
  /** Fields of its classes, those of their bases included. */
  fieldsOf: (className: string) => readonly string[];
  sources: Sources;
}

/** Classes each of whose fields is a flag, `ssl_keyfile` as `--ssl-keyfile`. Source: vllm/entrypoints/openai/cli_args.py. */
const flagClasses = /^(Base)?FrontendArgs$/;

/** Which files of a package are the server's: packages have benchmarks, routers and examples with parsers of their own. */
export interface Layout {
  /** Files whose parsers take the server's command line. */
  flags: RegExp;
  /** Files whose routes the server has. Default: all. */
  routes?: RegExp;
}

export function declaredIn(
  sources: Sources,
  { flags: parsers, routes = /./ }: Layout = { flags: /./ },
): Declared {
  const code = Object.fromEntries(
    Object.entries(sources).map(([file, text]) => [file, withoutComments(text)]),
  );
  const texts = Object.values(code);
  const inFiles = (pattern: RegExp): string[] =>
    Object.entries(code).flatMap(([file, text]) => (pattern.test(file) ? [text] : []));
  const classes = texts.flatMap(classesIn);
  const literals = new Map(texts.flatMap(literalsIn));
  const annotations = new Map<string, string>();
  for (const { fields } of classes)
    for (const { name, type } of fields) if (!annotations.has(name)) annotations.set(name, type);
  const asFlag = (names: readonly string[], own: string, field: string): Flag => {
    const type = annotations.get(field) ?? "";
    const choices = wordsOf(argument(own, "choices") ?? "") ?? choicesIn(type, literals);
    return {
      names,
      several: /nargs\s*=\s*["'][+*]/.test(own) || (!/nargs\s*=/.test(own) && /\blist\[/i.test(type)),
      ...(choices === undefined ? {} : { choices }),
    };
  };
  const flags = inFiles(parsers)
    .flatMap((text) => callsOf(text, /\.add_argument\(/g))
    .flatMap((own) => {
      const names = splitTop(own)
        .map((word) => /^["'](-[\w-]+)["']$/.exec(word.trim())?.[1])
        .filter((name): name is string => name !== undefined);
      const long = names.find((name) => name.startsWith("--"))?.slice(2) ?? "";
      const field = /\*\*\w+\[["'](\w+)["']\]/.exec(own)?.[1] ?? long.replaceAll("-", "_");
      return names.length === 0 ? [] : [asFlag(names, own, own.includes("**") ? field : "")];
    });
  const byField = inFiles(parsers)
    .flatMap(classesIn)
    .filter(({ name }) => flagClasses.test(name))
    .flatMap(({ fields }) => fields)
    .map(({ name }) => asFlag([`--${name.replaceAll("_", "-")}`], "", name));
  return {
    flags: [...flags, ...byField],
    routes: inFiles(routes).flatMap(routesIn),
    environment: new Set(texts.flatMap(environmentIn)),
    metrics: new Set(texts.flatMap((text) => all(text, /["']((?:\w+):\w+)["']/g))),
    fieldsOf: (name) => fieldsOf(name, classes),
    sources,
  };
}

/** First groups of all matches. */
function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? "");
}

/** Positions of the string that begins at `at`: its end. */
function endOfString(text: string, at: number): number {
  const quote = text[at] ?? "";
  const mark = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
  for (let i = at + mark.length; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text.startsWith(mark, i)) return i + mark.length;
  }
  return text.length;
}

const isQuote = (char: string | undefined): boolean => char === '"' || char === "'";

const stringOrComment =
  /"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?'''|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'|#[^\n]*/g;

/** Comments are out; strings stay as they are. */
function withoutComments(text: string): string {
  return text.replace(stringOrComment, (found) => (found.startsWith("#") ? "" : found));
}

/** What stands between a bracket at `open` and its counterpart. */
function inside(text: string, open: number): string {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (isQuote(text[i])) i = endOfString(text, i) - 1;
    else if ("([{".includes(text[i] ?? "")) depth++;
    else if (")]}".includes(text[i] ?? "") && --depth === 0) return text.slice(open + 1, i);
  }
  return text.slice(open + 1);
}

/** Arguments of all calls whose beginning, the bracket included, matches. */
function callsOf(text: string, beginning: RegExp): string[] {
  return [...text.matchAll(beginning)].map((match) => inside(text, match.index + match[0].length - 1));
}

/** Parts between commas that are in no bracket and no string. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (isQuote(text[i])) i = endOfString(text, i) - 1;
    else if ("([{".includes(text[i] ?? "")) depth++;
    else if (")]}".includes(text[i] ?? "")) depth--;
    else if (text[i] === "," && depth === 0) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim()).filter((part) => part !== "");
}

/** A keyword argument. */
function argument(own: string, name: string): string | undefined {
  const found = splitTop(own).find((part) => new RegExp(`^${name}\\s*=`).test(part));
  return found?.replace(/^\w+\s*=\s*/, "");
}

/** Words of a list that has nothing else in it. */
function wordsOf(text: string): string[] | undefined {
  const list = /^[[(]([^]*)[\])]$/.exec(text.trim())?.[1];
  if (list === undefined) return undefined;
  const parts = splitTop(list);
  const words = parts.map((part) => /^["']([^"']*)["']$/.exec(part)?.[1]);
  return words.every((word) => word !== undefined) ? words : undefined;
}

/** `Backend = Literal["ray", "mp"]`: a name for some words. */
function literalsIn(text: string): [string, string[]][] {
  return [...text.matchAll(/^(\w+)(?:\s*:\s*TypeAlias)?\s*=\s*Literal\[/gm)].map((match) => [
    match[1] ?? "",
    splitTop(inside(text, match.index + match[0].length - 1)).map((word) => word.replace(/["']/g, "")),
  ]);
}

function choicesIn(type: string, literals: ReadonlyMap<string, string[]>): string[] | undefined {
  const named = all(type, /\b([A-Z]\w+)\b/g).flatMap((name) => literals.get(name) ?? []);
  const own = callsOf(type, /\bLiteral\[/g).flatMap((list) =>
    splitTop(list).map((word) => word.replace(/["']/g, "")),
  );
  return named.length + own.length === 0 ? undefined : [...named, ...own];
}

interface PythonClass {
  name: string;
  bases: readonly string[];
  fields: readonly { name: string; type: string }[];
}

function classesIn(text: string): PythonClass[] {
  return [...text.matchAll(/^class (\w+)(?:\(([^)]*)\))?:/gm)].map((match) => {
    const from = match.index + match[0].length;
    const next = text.slice(from).search(/^\S/m);
    const body = next < 0 ? text.slice(from) : text.slice(from, from + next);
    const bases = splitTop(match[2] ?? "").map((base) => base.replace(/^.*\./, ""));
    return { name: match[1] ?? "", bases, fields: fieldsIn(body) };
  });
}

/** `    name: type = default`, also where the type takes several lines. */
function fieldsIn(body: string): { name: string; type: string }[] {
  return [...body.matchAll(/^ {4}(\w+):[ ]*/gm)].flatMap((match) => {
    const name = match[1] ?? "";
    if (["else", "try", "finally"].includes(name)) return [];
    const at = match.index + match[0].length;
    let depth = 0;
    let end = at;
    for (; end < body.length; end++) {
      const char = body[end] ?? "";
      if (isQuote(char)) end = endOfString(body, end) - 1;
      else if ("([{".includes(char)) depth++;
      else if (")]}".includes(char)) depth--;
      else if (depth === 0 && (char === "\n" || char === "=")) break;
    }
    return [{ name, type: body.slice(at, end).trim() }];
  });
}

function fieldsOf(name: string, classes: readonly PythonClass[], seen: readonly string[] = []): string[] {
  if (seen.includes(name)) return [];
  const found = classes.filter((one) => one.name === name);
  return found.flatMap(({ fields, bases }) => [
    ...fields.map((field) => field.name),
    ...bases.flatMap((base) => fieldsOf(base, classes, [...seen, name])),
  ]);
}

/** FastAPI's decorators, and routes that a package lists to register them later. */
const routesIn = (text: string): Route[] => [...decoratedIn(text), ...listedIn(text)];

/** `RouteConfig(path="/adapters", method="POST")`. Source: model-hosting-container-standards. */
function listedIn(text: string): Route[] {
  const literal = (own: string, name: string): string | undefined =>
    /^["']([^"']*)["']$/.exec(argument(own, name)?.trim() ?? "")?.[1];
  return callsOf(text, /\bRouteConfig\(/g).flatMap((own) => {
    const path = literal(own, "path");
    return path === undefined
      ? []
      : [{ path, methods: [(literal(own, "method") ?? "GET").toUpperCase()], handler: "" }];
  });
}

/** Several decorators can stand above one handler. */
function decoratedIn(text: string): Route[] {
  const decorator = /@\w+\.(get|post|put|delete|patch|head|api_route)\(/g;
  return [...text.matchAll(decorator)].flatMap((match) => {
    const open = match.index + match[0].length - 1;
    const own = inside(text, open);
    const [first = ""] = splitTop(own);
    const path = /^["'](\/[^"']*)["']$/.exec(first)?.[1] ?? /["'](\/[^"']*)["']\s*\)$/.exec(first)?.[1];
    if (path === undefined) return [];
    const rest = text.slice(open);
    const handler = /(?:async )?def \w+\(/.exec(rest);
    const from = handler === null ? 0 : handler.index;
    const body = rest.slice(from + 1);
    const next = body.search(/\n(?=[@\w])/);
    const source = rest.slice(from, next < 0 ? undefined : from + 1 + next);
    const verb = match[1] ?? "";
    const methods = verb === "api_route" ? (wordsOf(argument(own, "methods") ?? "") ?? ["GET"]) : [verb];
    const type = handlerBody(source);
    return [
      {
        path,
        methods: methods.map((method) => method.toUpperCase()),
        handler: source,
        ...(type === undefined ? {} : { body: type }),
      },
    ];
  });
}

/** Type of the first parameter that is a class other than what FastAPI hands in. */
function handlerBody(source: string): string | undefined {
  const open = source.indexOf("(");
  if (open < 0) return undefined;
  const types = splitTop(inside(source, open)).map((part) => /^\w+:\s*([\w.]+)/.exec(part)?.[1]);
  return types.find((type) => type !== undefined && /^[A-Z]/.test(type) && type !== "Request");
}

/** As packages read it: a call, a table of them by name, or a class whose fields are variables. */
function environmentIn(text: string): string[] {
  return [
    ...all(text, /\b(?:getenv|get_bool_env_var|get_int_env_var|environ\.get)\(\s*["'](\w+)["']/g),
    ...all(text, /\benviron\[["'](\w+)["']\]/g),
    ...all(text, /^ {4}["']([A-Z][A-Z0-9_]+)["']\s*:\s*(?:\n\s*)?(?:lambda|env_\w+|_?\w+\()/gm),
    ...all(text, /^ {4}([A-Z][A-Z0-9_]+)\s*=\s*Env\w+\(/gm),
  ];
}
