import { readFile } from "node:fs/promises";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import type { z } from "zod";
import { isLongNumber } from "../../../text/json.ts";
import { Script } from "./script.ts";
import { errorMessage } from "../../../text/error-message.ts";
import { UsageError } from "../../../runtime/usage-error.ts";

/** One thing to correct in a script. */
export interface ScriptProblem {
  /** Both from 1. */
  line: number;
  column: number;
  /** The path inside the document, such as `runs[0].match.nth`; empty for the document itself. */
  path: string;
  /** The problem, and what to write instead. */
  message: string;
}

/** A script that cannot be used; the message has one line for each problem, with its position in the file. */
export class ScriptInvalid extends UsageError {
  override readonly name = "ScriptInvalid";
  /** Empty when the file could not be read at all. */
  readonly problems: readonly ScriptProblem[];

  constructor(message: string, problems: readonly ScriptProblem[], options?: ErrorOptions) {
    super(message, options);
    this.problems = problems;
  }
}

/** Reads a script from a YAML or JSON file. Throws {@link ScriptInvalid}. */
export async function readScript(file: string): Promise<Script> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new ScriptInvalid(`The script cannot be read: ${errorMessage(error)}`, [], {
      cause: error,
    });
  });
  return parseScript(text, file);
}

/** Reads a script from YAML or JSON text; `file` names it in the {@link ScriptInvalid} this throws. */
export function parseScript(text: string, file: string): Script {
  const lineCounter = new LineCounter();
  // Every JSON text is YAML too.
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  visit(document, {
    Scalar(_key, node) {
      if (node.source && isLongNumber(node.source)) node.value = node.source;
    },
  });

  function reject(problems: readonly FoundProblem[], options?: ErrorOptions): never {
    const inOrder = problems.toSorted((a, b) => a.offset - b.offset);
    const placed = inOrder.map(({ offset, path, message }) => {
      const { line, col } = lineCounter.linePos(offset);
      return { line, column: col, path: formatPath(path), message };
    });
    const lines = placed.map(({ line, column, path, message }) => {
      return `  ${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}`;
    });
    throw new ScriptInvalid(`The script cannot be used:\n${lines.join("\n")}`, placed, options);
  }

  function readJson(): unknown {
    try {
      const json: unknown = document.toJS();
      return json;
    } catch (error) {
      // An alias without an anchor, or so many that they would fill the memory.
      return reject([{ offset: 0, path: [], message: errorMessage(error) }], { cause: error });
    }
  }

  const syntax = [...document.errors, ...document.warnings];
  if (syntax.length > 0) {
    reject(syntax.map(({ pos: [offset], message }) => ({ offset, path: [], message })));
  }
  const { success, data, error } = Script.safeParse(readJson());
  return success ? data : reject(error.issues.flatMap((issue) => readIssue(issue, document)));
}

interface FoundProblem {
  offset: number;
  path: readonly PropertyKey[];
  message: string;
}

/** A value's problem is at the value, a missing one's at what should have it. */
function readIssue(issue: z.core.$ZodIssue, document: Document.Parsed): FoundProblem[] {
  const { path, message } = issue;
  if (issue.code !== "unrecognized_keys") {
    return [{ offset: findNode(document, path).offset, path, message }];
  }
  // Zod reports all unknown keys of an object as one issue, but each has its own position.
  const { node, offset } = findNode(document, path);
  return issue.keys.map((key) => ({
    offset: startOf(findPair(node, key)?.key) ?? offset,
    path: [...path, key],
    message,
  }));
}

/** The node at that path, or its innermost parent that exists. */
function findNode(
  document: Document.Parsed,
  path: readonly PropertyKey[],
): { node: unknown; offset: number } {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of path) {
    const next: unknown = isSeq(node) ? node.items[Number(key)] : findPair(node, key)?.value;
    const start = startOf(next);
    if (start === undefined) break;
    offset = start;
    node = isAlias(next) ? next.resolve(document) : next;
  }
  return { node, offset };
}

function findPair(node: unknown, key: PropertyKey): Pair | undefined {
  if (!isMap(node)) return undefined;
  return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}
