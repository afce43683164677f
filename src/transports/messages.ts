import {
  type JSONRPCMessage,
  type RequestId,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
} from "@modelcontextprotocol/server";
import { MAX_JSON_LEVELS, isDeeperThan } from "../http-server/json-depth.ts";
import { exactJson, parseJson } from "../text/json.ts";

/** The codes of JSON-RPC, section 5.1. */
export const PARSE_ERROR = -32_700;
export const INVALID_REQUEST = -32_600;

/**
 * A message that cannot be served. `id` is the id for the error answer, null if it cannot be read, and undefined for a
 * message that expects no answer.
 */
export interface InvalidMessage {
  id: RequestId | null | undefined;
  code: typeof PARSE_ERROR | typeof INVALID_REQUEST;
  reason: string;
}

type ReadMessage = { message: JSONRPCMessage } | { invalid: InvalidMessage };

/** Parses a text as one message or a batch. A byte order mark at its beginning is ignored. */
export function parseMessages(
  text: string,
  levels: number = MAX_JSON_LEVELS,
): { one: ReadMessage } | { batch: ReadMessage[] } {
  let value: unknown;
  try {
    value = readJson(text.replace(/^\uFEFF/, ""));
  } catch {
    return { one: invalid(null, "Parse error: this is not JSON.", PARSE_ERROR) };
  }
  if (!Array.isArray(value)) return { one: readMessage(value, levels) };
  if (value.length === 0) return { one: invalid(null, "Invalid request: an empty batch.") };
  return { batch: value.map((part) => readMessage(part, levels - 1)) };
}

/** Long numbers keep their digits as text, except in an id: a number must be answered with a number. */
function readJson(text: string): unknown {
  const exact = exactJson(text);
  const value: unknown = JSON.parse(exact);
  if (exact === text) return value;
  const asWritten: unknown = JSON.parse(text);
  return Array.isArray(value) && Array.isArray(asWritten)
    ? value.map((part, index) => withIdOf(part, asWritten[index]))
    : withIdOf(value, asWritten);
}

function withIdOf(value: unknown, asWritten: unknown): unknown {
  return isObject(value) && isObject(asWritten) && "id" in asWritten
    ? { ...value, id: asWritten["id"] }
    : value;
}

/**
 * One message as the SDK takes it. Clients write null for what is not set, and arguments as JSON text: they mean the
 * same as the clients that do not.
 */
function readMessage(value: unknown, levels: number): ReadMessage {
  if (!isObject(value)) return invalid(null, "Invalid request: a message is a JSON object.");
  const asksForAnswer = "id" in value && !("result" in value) && !("error" in value);
  const id = asksForAnswer ? answerableId(value["id"]) : undefined;
  if (isDeeperThan(value, levels)) {
    return invalid(id, `Invalid request: it is nested deeper than ${levels} levels.`);
  }
  if (asksForAnswer && !isRequestId(value["id"])) {
    return invalid(id, "Invalid request: the id of a request is a string or an integer.");
  }
  if (value["jsonrpc"] !== "2.0") {
    return invalid(id, 'Invalid request: a message has "jsonrpc": "2.0".');
  }
  const message = "method" in value ? withoutNulls(value) : value;
  if (isDeeperThan(message, levels)) {
    return invalid(id, `Invalid request: it is nested deeper than ${levels} levels.`);
  }
  if (isJSONRPCRequest(message) || isJSONRPCNotification(message) || isJSONRPCResponse(message)) {
    return { message };
  }
  return invalid(id, "Invalid request: it is no message of MCP. Check method, params and _meta.");
}

function invalid(
  id: InvalidMessage["id"],
  reason: string,
  code: InvalidMessage["code"] = INVALID_REQUEST,
): { invalid: InvalidMessage } {
  return { invalid: { id, code, reason } };
}

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === "string" || Number.isSafeInteger(id);
}

/** The id that an error answer can repeat; null if it is no valid id, or a number too long to be exact. */
function answerableId(id: unknown): RequestId | null {
  if (isRequestId(id)) return id;
  return typeof id === "number" && Math.abs(id) < Number.MAX_SAFE_INTEGER ? id : null;
}

function withoutNulls(message: JsonObject): JsonObject {
  const { params, ...rest } = message;
  if (params === undefined || params === null) return rest;
  if (!isObject(params)) return message;
  const { _meta: meta, arguments: given, ...others } = params;
  const read = readArguments(given);
  // Nulls in the arguments of a tool are for the tool to judge; the SDK judges those of a prompt.
  const isOfPrompt = rest["method"] === "prompts/get" && isObject(read);
  return {
    ...rest,
    params: {
      ...withoutNullMembers(others),
      ...(read !== undefined && { arguments: isOfPrompt ? withoutNullMembers(read) : read }),
      ...(meta !== undefined &&
        meta !== null && { _meta: isObject(meta) ? withoutNullMembers(meta) : meta }),
    },
  };
}

function withoutNullMembers(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, member]) => member !== null));
}

function readArguments(given: unknown): unknown {
  if (given === null) return undefined;
  if (typeof given !== "string") return given;
  if (given.trim() === "") return undefined;
  try {
    const parsed: unknown = parseJson(given);
    return parsed ?? undefined;
  } catch {
    return given;
  }
}

/**
 * The first revision whose messages are single objects. Earlier revisions have JSON-RPC batches, or do not forbid them.
 */
const FIRST_WITHOUT_BATCHES = "2025-06-18";

/** Revisions are named for the days of their release. */
export function hasBatches(revision: string): boolean {
  return revision < FIRST_WITHOUT_BATCHES;
}
