import type { Clock } from "../../../src/runtime/clock.ts";
import type { Engine, EngineDeps } from "../../../src/engine/engine.ts";
import { createScriptedExecutor } from "../../../src/engine/executors/scripted/scripted-executor.ts";
import { parseScript } from "../../../src/engine/executors/scripted/read-script.ts";
import type { Script } from "../../../src/engine/executors/scripted/script.ts";
import { silentLog, startTestEngine } from "../start-test-engine.ts";

/** The scripted executor alone, as a script's YAML or a script says. By default it does not wait: time jumps. */
export function scriptedExecutor(
  script: string | Script,
  { clock = jumpingClock(), seed }: { clock?: Clock; seed?: number } = {},
) {
  const parsed = typeof script === "string" ? parseScript(script, "script.yaml") : script;
  return createScriptedExecutor({ script: parsed, seed, clock, log: silentLog });
}

/** The real engine with runs that do what a script says, one at a time; closed when the test ends. */
export function startScriptedEngine(
  script: string | Script,
  { clock, seed, ...options }: { clock?: Clock; seed?: number } & Partial<EngineDeps> = {},
): Promise<Engine> {
  const executor = scriptedExecutor(script, {
    ...(clock !== undefined && { clock }),
    ...(seed !== undefined && { seed }),
  });
  return startTestEngine(() => Promise.reject(new Error("not used")), {
    createExecutor: () => executor,
    concurrency: 1,
    ...options,
  });
}

/** A clock on which every sleep and timer is over at once, and the time has moved on by as much. */
export function jumpingClock(): Clock {
  let now = Date.parse("2026-11-24T12:00:00Z");
  return {
    now: () => now,
    elapsedMs: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      now += ms;
    },
    startTimer(ms, onTimeUp) {
      now += ms;
      onTimeUp();
      return () => {};
    },
  };
}
