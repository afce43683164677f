const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  // nginx would hold the comments back until there is more.
  "x-accel-buffering": "no",
};

/**
 * The answer as it is when it comes within `afterMs`. Otherwise a stream that carries a comment at once and every
 * `everyMs`, and then the answer: while a call waits in silence, no proxy and no client takes it for dead.
 */
export async function streamIfSlow(
  answer: Promise<Response>,
  { afterMs, everyMs }: { afterMs: number; everyMs: number },
): Promise<Response> {
  let timer: NodeJS.Timeout | undefined;
  const slow = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, afterMs, null);
  });
  try {
    return (await Promise.race([answer, slow])) ?? streamOf(answer, everyMs);
  } finally {
    clearTimeout(timer);
  }
}

function streamOf(answer: Promise<Response>, everyMs: number): Response {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const comment = () => controller.enqueue(encoder.encode(": keepalive\n\n"));
      comment();
      timer = setInterval(comment, everyMs);
      relay(controller)
        .catch((error: unknown) => controller.error(error))
        .finally(() => clearInterval(timer));
    },
    async cancel(reason) {
      clearInterval(timer);
      await reader?.cancel(reason);
    },
  });
  return new Response(body, { headers: STREAM_HEADERS });

  async function relay(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const response = await answer;
    if (response.headers.get("content-type") === "text/event-stream") {
      reader = response.body?.getReader();
      for (;;) {
        const chunk = await reader?.read();
        if (chunk === undefined || chunk.done) break;
        controller.enqueue(chunk.value);
      }
    } else {
      controller.enqueue(encoder.encode(`event: message\ndata: ${await response.text()}\n\n`));
    }
    controller.close();
  }
}
