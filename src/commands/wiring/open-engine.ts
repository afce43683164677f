import type { EngineConfig } from "../../config.ts";
import type { Engine, EngineDeps } from "../../engine/engine.ts";
import type { ExecutorSettings } from "../../engine/executors/registry.ts";

/** Creates the built-in engine. Loads its modules here, because most commands never need them. */
export async function openEngine(
  config: EngineConfig,
  options: Pick<
    EngineDeps,
    "tenants" | "profile" | "requireBetas" | "performsRuns" | "prices" | "log"
  >,
): Promise<Engine> {
  const [{ createEngine }, { createExecutor }] = await Promise.all([
    import("../../engine/engine.ts"),
    import("../../engine/executors/registry.ts"),
  ]);
  return createEngine({
    databasePath: config.databasePath,
    allowNetworks: config.allowNetworks,
    webhookSecrets: config.webhookSecrets,
    retentionDays: config.retentionDays,
    strictOutput: config.strictOutput,
    createExecutor: (deps) => createExecutor(executorSettings(config), deps),
    ...options,
  });
}

/** The settings of each executor. The registry takes the first executor that has some. */
function executorSettings({ documents, script }: EngineConfig): ExecutorSettings {
  return {
    scripted: script === undefined ? undefined : { file: script },
    extractive: { folders: documents },
  };
}
