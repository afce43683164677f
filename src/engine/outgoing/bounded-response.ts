import type { Response as UndiciResponse } from "undici";

/** The limits for reading a body, and the callbacks for its end. */
export interface BodyBounds {
  maxBytes: number;
  tooLarge(): Error;
  /** Turns the source's own errors into ours. */
  explain(error: unknown): unknown;
  /** Called once, however reading ends. */
  onEnd(): void;
}

/** Statuses without a body; the constructor of `Response` throws if they have one. */
const NULL_BODY = new Set([204, 205, 304]);

/** The response for the caller, its body bounded. */
export function toBoundedResponse(
  { status, statusText, headers, body }: UndiciResponse,
  bounds: BodyBounds,
): Response {
  const init = { status, statusText, headers: [...headers] };
  if (body === null || NULL_BODY.has(status)) {
    bounds.onEnd();
    return new Response(null, init);
  }
  return new Response(boundBody(body, bounds), init);
}

/** The body, up to `maxBytes`; the reader that asks for more gets the error of `tooLarge`, and the source is cancelled. */
function boundBody(
  source: ReadableStream<Uint8Array>,
  { maxBytes, tooLarge, explain, onEnd }: BodyBounds,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let bytes = 0;

  async function readNext(): Promise<Uint8Array | null> {
    const { done, value } = await reader.read();
    if (done) return null;
    bytes += value.byteLength;
    if (bytes <= maxBytes) return value;
    await reader.cancel();
    throw tooLarge();
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await readNext();
          if (chunk !== null) return controller.enqueue(chunk);
          onEnd();
          controller.close();
        } catch (error) {
          onEnd();
          controller.error(explain(error));
        }
      },
      async cancel(reason) {
        onEnd();
        await reader.cancel(reason);
      },
    },
    // The stream does not read ahead, so that only requested data is counted.
    { highWaterMark: 0 },
  );
}
