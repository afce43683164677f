import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import type { Logger } from "pino";
import type { ErrorEvent } from "../../task-api/run-event.ts";
import { ApiError } from "./api-error.ts";
import type { ApiLimits } from "./limits.ts";
import type { RequestEnv } from "./request-context.ts";

/** Answers with streams of server-sent events; the number per tenant is limited. */
export interface EventStreams {
  /**
   * Answers with what `produce` writes; the stream ends when `produce` resolves. Use it instead of Hono's `streamSSE`.
   * Throws a 429 when the tenant has too many streams open. `produce` must resolve soon after the stream is aborted.
   */
  open(c: Context<RequestEnv>, produce: (stream: SSEStreamingApi) => Promise<void>): Response;
}

/**
 * Most streams end with their run, so after this time a stream is probably free. If not, the caller gets another 429.
 */
const RETRY_AFTER_SECONDS = 10;

export function createEventStreams({
  limits,
  openStreams,
  log,
}: {
  limits: Pick<ApiLimits, "streamsPerTenant" | "streamKeepAliveMs">;
  /** Counts the open streams. */
  openStreams: { inc(): void; dec(): void };
  log: Logger;
}): EventStreams {
  const countByTenant = new Map<string, number>();

  function enter(tenantId: string): void {
    const count = countByTenant.get(tenantId) ?? 0;
    if (count >= limits.streamsPerTenant) {
      throw new ApiError(
        429,
        `Too many requests: ${count} event streams are open; close one, or wait for one to end`,
        { headers: { "retry-after": String(RETRY_AFTER_SECONDS) } },
      );
    }
    countByTenant.set(tenantId, count + 1);
    openStreams.inc();
  }

  function leave(tenantId: string): void {
    const count = countByTenant.get(tenantId) ?? 0;
    if (count > 1) countByTenant.set(tenantId, count - 1);
    else countByTenant.delete(tenantId);
    openStreams.dec();
  }

  return {
    open(c, produce) {
      // A HEAD request never reads the stream, so nothing would ever end it.
      if (c.req.method === "HEAD")
        return c.body(null, 200, { "content-type": "text/event-stream" });
      const { id: tenantId } = c.get("tenant");
      const refId = c.get("refId");
      enter(tenantId);
      // nginx buffers an answer before it forwards it, unless this header forbids it.
      c.header("x-accel-buffering", "no");
      return streamSSE(c, async (stream) => {
        const stopComments = sendComments(stream, limits.streamKeepAliveMs);
        try {
          await produce(stream);
        } catch (error) {
          log.error({ err: error, ref_id: refId, path: c.req.path }, "event stream failed");
          const event: ErrorEvent = {
            type: "error",
            error: { ref_id: refId, message: "The stream failed; open it again", detail: null },
          };
          await stream.writeSSE({ event: event.type, data: JSON.stringify(event) });
        } finally {
          stopComments();
          leave(tenantId);
        }
      });
    },
  };
}

/** Writes a comment now and then, so that nothing on the way takes an idle stream for a dead one. */
function sendComments(stream: SSEStreamingApi, everyMs: number): () => void {
  let isWriting = false;
  const timer = setInterval(() => {
    // One is enough for a client that does not read: more would only fill the memory.
    if (isWriting) return;
    isWriting = true;
    void stream.write(": keep-alive\n\n").finally(() => (isWriting = false));
  }, everyMs);
  return () => clearInterval(timer);
}
