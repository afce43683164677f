import type { ServerResponse } from "node:http";

const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  // nginx would otherwise buffer the comments.
  "x-accel-buffering": "no",
};

/**
 * Marks the response as already sent, for @hono/node-server. `.clone()` yields a native `Response`: its override of
 * `Response` ignores the header.
 */
const ALREADY_SENT = new Response(null, { headers: { "x-hono-already-sent": "true" } }).clone();

/**
 * Returns the answer unchanged if it comes within `afterMs`. Otherwise starts a stream: a comment at once and every
 * `everyMs`, then the answer, so that no proxy or client takes a waiting call for dead. The stream is written directly
 * to `outgoing`, because a web stream would take some 5 KB per waiting call. Errors in the stream go to `onFailed`,
 * unless the client has left: it is too late for an error response.
 */
export async function streamIfSlow(
  answer: Promise<Response>,
  outgoing: ServerResponse,
  {
    afterMs,
    everyMs,
    onFailed,
  }: { afterMs: number; everyMs: number; onFailed: (error: unknown) => void },
): Promise<Response> {
  let timer: NodeJS.Timeout | undefined;
  const slow = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, afterMs, null);
  });
  try {
    const soon = await Promise.race([answer, slow]);
    if (soon !== null) return soon;
  } finally {
    clearTimeout(timer);
  }
  stream(answer, outgoing, { everyMs, onFailed });
  return ALREADY_SENT;
}

function stream(
  answer: Promise<Response>,
  outgoing: ServerResponse,
  { everyMs, onFailed }: { everyMs: number; onFailed: (error: unknown) => void },
): void {
  const comment = () => outgoing.write(": keepalive\n\n");
  outgoing.writeHead(200, STREAM_HEADERS);
  comment();
  const timer = setInterval(comment, everyMs);
  outgoing.once("close", () => clearInterval(timer));
  answer
    .then((response) => relay(response, outgoing))
    .then(
      () => outgoing.end(),
      (error: unknown) => {
        if (!outgoing.destroyed) onFailed(error);
        // Cut, not ended: the client must not take this for an answer.
        outgoing.destroy();
      },
    )
    .finally(() => clearInterval(timer));
}

async function relay(response: Response, outgoing: ServerResponse): Promise<void> {
  if (response.headers.get("content-type") !== "text/event-stream") {
    outgoing.write(`event: message\ndata: ${await response.text()}\n\n`);
    return;
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  // Backpressure: what the client has not read yet holds up the rest. Reading stops when the client leaves.
  const leave = () => void reader.cancel();
  outgoing.once("close", leave);
  for (;;) {
    const chunk = await reader.read();
    if (chunk.done) break;
    if (!outgoing.write(chunk.value)) await drained(outgoing);
  }
  outgoing.off("close", leave);
}

/** Resolves when there is room for more, or the client has left. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (outgoing.destroyed) {
      resolve();
      return;
    }
    const go = () => {
      outgoing.off("drain", go);
      outgoing.off("close", go);
      resolve();
    };
    outgoing.once("drain", go);
    outgoing.once("close", go);
  });
}
