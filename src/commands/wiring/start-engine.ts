import type { EngineConfig } from "../../config.ts";
import type { Engine, EngineOptions } from "../../engine/engine.ts";
import type { ExecutorSettings } from "../../engine/executors/registry.ts";

/** Starts our own engine. Its modules load here, because most commands never need them. */
export async function startEngine(
  config: EngineConfig,
  options: Pick<
    EngineOptions,
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

/** What the configuration says for each executor. The registry takes the first that has settings. */
function executorSettings({ documents, script }: EngineConfig): ExecutorSettings {
  return {
    scripted: script === undefined ? undefined : { file: script },
    extractive: { folders: documents },
  };
}
