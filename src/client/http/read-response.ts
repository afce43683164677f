import { StringDecoder } from "node:string_decoder";
import { type EventSourceMessage, type ParseError, createParser } from "eventsource-parser";
import type { Logger } from "pino";
import { isJsonObject } from "../../task-api/task-spec.ts";
import { cutText } from "../../text/cut-text.ts";
import { tryParseJson } from "../../text/json.ts";
import type { Redact } from "../../text/redact.ts";
import { UnreadableAnswer } from "../errors.ts";
import { ClientLimits } from "../limits.ts";
import type { FetchResponse } from "./fetch.ts";

/** A zod schema, as far as reading what a backend sends needs one. */
export interface ResponseSchema<T> {
  safeParse(
    body: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } };
}

/** Used for whole texts only, so it has no state between calls. */
const textDecoder = new TextDecoder();

/** The body as text, and whether it was longer than `maxBytes`; what follows is not read and the connection is closed. */
export async function readText(
  body: FetchResponse["body"],
  maxBytes: number,
): Promise<{ text: string; isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isCut = false;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    isCut = bytes > maxBytes;
    if (isCut) break;
    chunks.push(chunk);
  }
  const [first] = chunks;
  const whole = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
  return { text: textDecoder.decode(whole), isCut };
}

/** The JSON of an answer, if it fits the schema. Throws {@link UnreadableAnswer}. */
export async function readJsonResponse<T>(
  response: FetchResponse,
  schema: ResponseSchema<T>,
  redact: Redact,
): Promise<T> {
  const { status } = response;
  const { text, isCut } = await readText(response.body, ClientLimits.answerMaxBytes);
  if (isCut) {
    throw new UnreadableAnswer("The backend's answer is larger than any run's output.", { status });
  }
  const body = tryParseJson(text);
  if (body === undefined) {
    throw new UnreadableAnswer("The backend's answer is not JSON. Check the base URL.", { status });
  }
  const answer = schema.safeParse(body);
  if (answer.success) return answer.data;
  const [issue] = answer.error.issues;
  const where = cutText(redact(issue?.path.map(String).join(".") ?? ""), 100);
  throw new UnreadableAnswer(
    `The backend's answer is not what the Task API sends (at "${where}"). Check the base URL.`,
    { status },
  );
}

/** The body of an event stream. Throws {@link UnreadableAnswer} when the answer is another one. */
export function eventStreamOf({ status, headers, body }: FetchResponse): AsyncIterable<Uint8Array> {
  const type = headers.get("content-type") ?? "";
  if (body === null || !/^text\/event-stream\b/i.test(type)) {
    throw new UnreadableAnswer("The backend's answer is not an event stream.", { status });
  }
  return body;
}

/**
 * Reads the events of a `text/event-stream` body, chunk by chunk. The type of a frame is `data.type`, or the `event:`
 * line if that is missing. Frames of unknown types, and invalid ones, are skipped: the stream continues, and the state
 * is read again after it. Throws {@link UnreadableAnswer} for a frame beyond the size limit.
 */
export function createEventReader<Event>(
  schema: ResponseSchema<Event>,
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
      const event = schema.safeParse(data);
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
