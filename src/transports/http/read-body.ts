import type { IncomingMessage } from "node:http";
import { parseJson } from "../../text/json.ts";
import { PARSE_ERROR, Refusal } from "./refusals.ts";

/** The JSON of a request. Throws a 413, or a 400 with the parse error of JSON-RPC. */
export async function readJsonBody(
  incoming: IncomingMessage,
  { bodyBytes, bodyLevels }: { bodyBytes: number; bodyLevels: number },
): Promise<unknown> {
  const text = (await readBody(incoming, bodyBytes)).toString("utf8");
  let body: unknown;
  try {
    body = parseJson(text);
  } catch (cause) {
    throw new Refusal(400, "Parse error: the body is not JSON.", { code: PARSE_ERROR, cause });
  }
  if (isDeeperThan(body, bodyLevels)) {
    throw new Refusal(400, `Parse error: the body is nested deeper than ${bodyLevels} levels.`, {
      code: PARSE_ERROR,
    });
  }
  return body;
}

/** What a client sent, byte for byte. Throws a 413. */
export async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(incoming.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      // The rest is read and forgotten: closing at once would take the answer, which the client has not read yet.
      if (bytes > limit) reject(tooLarge(limit));
      else chunks.push(chunk);
    });
    incoming.once("end", () => resolve(Buffer.concat(chunks)));
    incoming.once("error", (cause) => {
      reject(new Refusal(400, "The body did not arrive as a whole.", { cause }));
    });
  });
}

function tooLarge(limit: number): Refusal {
  return new Refusal(413, `The body is larger than ${limit} bytes; send less at a time.`, {
    headers: { connection: "close" },
  });
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((part) => isDeeperThan(part, levels - 1));
}
