import { StringDecoder } from "node:string_decoder";
import { type EventSourceMessage, type ParseError, createParser } from "eventsource-parser";
import type { Logger } from "pino";
import { isJsonObject } from "../../task-api/task-spec.ts";
import { tryParseJson } from "../../text/json.ts";
import type { Contract } from "./schema.ts";
import { UnreadableAnswer } from "../errors.ts";
import { ClientLimits } from "../limits.ts";

/**
 * Reads the events of a `text/event-stream` body, chunk by chunk. `data.type` says what a frame is, and the `event:` line
 * only where it does not.
 * Frames of unknown types, and ones that do not fit the contract, are skipped: the stream goes on, and the state is
 * read again after it. Throws {@link UnreadableAnswer} for a frame beyond the size limit.
 */
export function createEventReader<Event>(
  contract: Contract<Event>,
  log: Logger | undefined,
): (chunk: Uint8Array) => Generator<Event, void> {
  let frames: EventSourceMessage[] = [];
  let oversized: ParseError | null = null;
  let skipped = 0;
  const parser = createParser({
    maxBufferSize: ClientLimits.frameMaxChars,
    onEvent: (frame) => frames.push(frame),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") oversized = error;
    },
  });
  // A `TextDecoder` that goes on from chunk to chunk holds a converter outside of V8's memory, for each stream.
  const decoder = new StringDecoder("utf8");
  return function* read(chunk) {
    parser.feed(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)));
    const arrived = frames;
    frames = [];
    for (const frame of arrived) {
      const data = withType(tryParseJson(frame.data), frame.event);
      const event = contract.safeParse(data);
      if (event.success) {
        yield event.data;
      } else {
        skipped += 1;
        log?.debug({ eventType: typeOf(data), skipped }, "skipped an event that cannot be read");
      }
    }
    if (oversized !== null) {
      throw new UnreadableAnswer("The backend sent an event that is larger than any run's output.");
    }
  };
}

function withType(data: unknown, type: string | undefined): unknown {
  if (type === undefined || !isJsonObject(data) || typeof data["type"] === "string") return data;
  return { ...data, type };
}

/** A frame's type for the log; null when it has none, or one too odd to log. */
function typeOf(data: unknown): string | null {
  const type = typeof data === "object" && data !== null && "type" in data ? data.type : null;
  return typeof type === "string" && /^[\w.]{1,100}$/.test(type) ? type : null;
}
