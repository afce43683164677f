/** A process without work for this time is at rest. */
const REST_MS = 10_000;
/** Timers and idle connections need less than this; a single run needs more. */
const IDLE_CPU_SHARE = 0.01;
/** Less work than this leaves nothing to release. */
const MIN_WORK_MS = 500;

/**
 * Collects garbage when the process is at rest, until the returned function is called: after 3,000 runs an engine rests at
 * 92 MiB with it, 118 MiB without. V8 shrinks its young generation only under memory pressure, which DevTools' "collect
 * garbage" signals in some 50 ms; `--semi-space-growth-factor=1` would cost a fifth of the speed under load.
 */
export function releaseMemoryAtRest(): () => void {
  // Node can be built without the inspector.
  if (!process.features.inspector) return () => {};
  let checkedAtMs = cpuMs();
  let releasedAtMs = 0;

  async function check(): Promise<void> {
    const nowMs = cpuMs();
    const isAtRest = nowMs - checkedAtMs < REST_MS * IDLE_CPU_SHARE;
    checkedAtMs = nowMs;
    if (!isAtRest || nowMs - releasedAtMs < MIN_WORK_MS) return;
    await collectGarbage();
    releasedAtMs = cpuMs();
    checkedAtMs = releasedAtMs;
  }

  const timer = setInterval(() => void check(), REST_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** The CPU time of this process. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function collectGarbage(): Promise<void> {
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  try {
    await session.post("HeapProfiler.collectGarbage");
  } finally {
    session.disconnect();
  }
}
