import type { IncomingMessage } from "node:http";
import { type InvalidMessage, INVALID_REQUEST, hasBatches, parseMessages } from "../messages.ts";
import { HttpError } from "./http-error.ts";

/** The revision of a request that does not say (MCP 2025-06-18: "Protocol Version Header"). */
const REVISION_UNSAID = "2025-03-26";

/** The message of a request, or its batch. Throws a 413, or a 400 with the error of JSON-RPC. */
export async function readMessages(
  incoming: IncomingMessage,
  { bodyBytes, bodyLevels }: { bodyBytes: number; bodyLevels: number },
): Promise<unknown> {
  const text = (await readBody(incoming, bodyBytes)).toString("utf8");
  const read = parseMessages(text, bodyLevels);
  if ("one" in read) {
    if ("invalid" in read.one) throw notServed(read.one.invalid);
    return read.one.message;
  }
  const revision = String(incoming.headers["mcp-protocol-version"] ?? REVISION_UNSAID);
  if (!hasBatches(revision)) {
    const reason = `Invalid request: revision ${revision} has no batches; send each message by itself.`;
    throw notServed({ id: null, code: INVALID_REQUEST, reason });
  }
  return read.batch.map((part) => {
    if ("invalid" in part) throw notServed(part.invalid);
    return part.message;
  });
}

function notServed({ id, code, reason }: InvalidMessage): HttpError {
  return new HttpError(400, reason, { code, id: id ?? null });
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
      reject(new HttpError(400, "The body did not arrive as a whole.", { cause }));
    });
  });
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, `The body is larger than ${limit} bytes; send less at a time.`, {
    headers: { connection: "close" },
  });
}
