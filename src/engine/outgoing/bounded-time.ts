import { setMaxListeners } from "node:events";
import { RequestTimedOut } from "./outgoing-errors.ts";

/** The life of one exchange: it is over when it ended, when its time is up, when its caller aborts, or by `abort`. */
export interface BoundedTime {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Stops the clock; may be called more than once. */
  end(): void;
}

/** Starts the clock. A `signal` that has aborted already is not noticed. */
export function boundTime({
  host,
  timeoutMs,
  signal,
  onEnd,
}: {
  host: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
  onEnd(): void;
}): BoundedTime {
  const controller = new AbortController();
  const forward = () => controller.abort(signal?.reason);
  const timer = setTimeout(() => controller.abort(new RequestTimedOut(host, timeoutMs)), timeoutMs);
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", forward);
    onEnd();
  };
  controller.signal.addEventListener("abort", end, { once: true });
  if (signal !== undefined) {
    // A run's signal has one listener for each request under way; Node would warn of a leak at the eleventh.
    setMaxListeners(0, signal);
    signal.addEventListener("abort", forward, { once: true });
  }
  return { signal: controller.signal, abort: (reason) => controller.abort(reason), end };
}
