import type { Readable, Writable } from "node:stream";
import { parseJson } from "../../text/json.ts";

type RequestId = string | number;

/** What a message is to a server that has just started. */
type Heard =
  /** Answered; the whole server hears it once more, to know its client. */
  | { kind: "opening"; id: RequestId; result: object }
  /** Needs no answer; the whole server hears it once more. */
  | { kind: "notification" }
  /** Answered for good, and the last that is known. */
  | { kind: "question"; id: RequestId; result: object }
  /** Anything else: the whole server must hear it first. */
  | { kind: "unknown" };

/** A client that sends more than this without a line's end is none that is known. */
const MAX_LINE_BYTES = 65_536;
const LINE_END = 0x0a;

/**
 * Answers the first messages of a stdio client with `greeting`, until there is one that it does not know or until its last
 * answer. `input` then holds, unread, what the whole server must hear. Resolves with the id of the opening request, which
 * the client must not see answered again; also when the client leaves, or when `signal` aborts.
 */
export function greetStdio({
  input,
  output,
  greeting,
  signal,
}: {
  input: Readable;
  output: Writable;
  greeting: (message: unknown) => Heard;
  signal: AbortSignal;
}): Promise<RequestId | undefined> {
  let unread: Buffer = Buffer.alloc(0);
  let openingId: RequestId | undefined;
  const repeated: Buffer[] = [];

  function hear(line: Buffer): "goes on" | "is last" | "is unknown" {
    const heard = greeting(readMessage(line));
    if (heard.kind === "unknown") return "is unknown";
    if (heard.kind !== "question") repeated.push(line);
    if (heard.kind === "opening") openingId = heard.id;
    if (heard.kind !== "notification") {
      const { id, result } = heard;
      output.write(`${JSON.stringify({ result, jsonrpc: "2.0", id })}\n`);
    }
    return heard.kind === "question" ? "is last" : "goes on";
  }

  return new Promise((resolve) => {
    const onData = (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      for (let end = unread.indexOf(LINE_END); end !== -1; end = unread.indexOf(LINE_END)) {
        const line = unread.subarray(0, end + 1);
        const state = hear(line);
        if (state !== "is unknown") unread = unread.subarray(end + 1);
        if (state !== "goes on") return handOver();
      }
      if (unread.length > MAX_LINE_BYTES) handOver();
    };
    const handOver = () => {
      input.off("data", onData).off("end", handOver).off("error", handOver).pause();
      output.off("error", handOver);
      signal.removeEventListener("abort", handOver);
      const rest = Buffer.concat([...repeated, unread]);
      if (!input.readableEnded && !input.destroyed) input.unshift(rest);
      resolve(openingId);
    };
    input.on("data", onData).on("end", handOver).on("error", handOver);
    output.on("error", handOver);
    signal.addEventListener("abort", handOver);
    if (signal.aborted) handOver();
  });
}

/** Undefined for a line that is no JSON: the whole server says so. */
function readMessage(line: Buffer): unknown {
  try {
    return parseJson(line.toString("utf8"));
  } catch {
    return undefined;
  }
}
