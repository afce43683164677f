/** So long without work, a process is at rest. */
const REST_MS = 10_000;
/** What timers and an idle connection need in that time; a single run needs more. */
const IDLE_CPU_SHARE = 0.01;
/** Less work than this since the last release leaves nothing to release. */
const MIN_WORK_MS = 500;

/**
 * Gives memory back when the process comes to rest, until the returned function is called. V8 keeps what a busy moment
 * needed: its young generation alone stays at 32 MB, and only memory pressure makes it smaller. A limit for it would
 * have to stand on the command line, and `--semi-space-growth-factor=1`, which can be set later, costs a fifth of the
 * speed under load. DevTools' "collect garbage" is how a program can tell V8 about pressure; it takes some 50 ms.
 */
export function releaseMemoryAtRest(): () => void {
  // Node can be built without.
  if (!process.features.inspector) return () => {};
  let lookedAtMs = cpuMs();
  let releasedAtMs = 0;

  async function look(): Promise<void> {
    const nowMs = cpuMs();
    const isAtRest = nowMs - lookedAtMs < REST_MS * IDLE_CPU_SHARE;
    lookedAtMs = nowMs;
    if (!isAtRest || nowMs - releasedAtMs < MIN_WORK_MS) return;
    await collectGarbage();
    releasedAtMs = cpuMs();
    lookedAtMs = releasedAtMs;
  }

  const timer = setInterval(() => void look(), REST_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** How long this process has worked. */
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
