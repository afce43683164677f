import type { Readable, Writable } from "node:stream";
import type { HandshakeReply } from "../../runtime/handshake-reply.ts";
import { parseJson } from "../../text/json.ts";

/** The messages of a handshake are shorter than this. */
const MAX_LINE_BYTES = 65_536;
const LINE_END = 0x0a;

/**
 * Answers the first messages of a stdio client with `reply`, until one is unhandled or the list is sent. `input` then
 * holds, unread, what the whole server must read. Resolves with the id of `initialize`, which must not be answered again;
 * also when the client leaves, or when `signal` aborts.
 */
export function answerHandshake({
  input,
  output,
  reply,
  signal,
}: {
  input: Readable;
  output: Writable;
  reply: (message: unknown) => HandshakeReply;
  signal: AbortSignal;
}): Promise<string | number | undefined> {
  let unread: Buffer = Buffer.alloc(0);
  let initializeId: string | number | undefined;
  const repeated: Buffer[] = [];

  function answer(line: Buffer): HandshakeReply["kind"] {
    const replied = reply(readMessage(line));
    if (replied.kind === "unhandled") return replied.kind;
    if (replied.kind !== "list") repeated.push(line);
    if (replied.kind === "initialize") initializeId = replied.id;
    if (replied.kind !== "notification") {
      const { id, result } = replied;
      output.write(`${JSON.stringify({ result, jsonrpc: "2.0", id })}\n`);
    }
    return replied.kind;
  }

  return new Promise((resolve) => {
    const onData = (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      for (let end = unread.indexOf(LINE_END); end !== -1; end = unread.indexOf(LINE_END)) {
        const line = unread.subarray(0, end + 1);
        const kind = answer(line);
        if (kind !== "unhandled") unread = unread.subarray(end + 1);
        if (kind === "unhandled" || kind === "list") return handOver();
      }
      if (unread.length > MAX_LINE_BYTES) handOver();
    };
    const handOver = () => {
      input.off("data", onData).off("end", handOver).off("error", handOver).pause();
      output.off("error", handOver);
      signal.removeEventListener("abort", handOver);
      const rest = Buffer.concat([...repeated, unread]);
      if (!input.readableEnded && !input.destroyed) input.unshift(rest);
      resolve(initializeId);
    };
    input.on("data", onData).on("end", handOver).on("error", handOver);
    output.on("error", handOver);
    signal.addEventListener("abort", handOver);
    if (signal.aborted) handOver();
  });
}

/** Undefined for a line that is not JSON: the whole server answers it with an error. */
function readMessage(line: Buffer): unknown {
  try {
    return parseJson(line.toString("utf8"));
  } catch {
    return undefined;
  }
}
