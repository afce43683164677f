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
  const [{ createEngine }, { createExecutors }] = await Promise.all([
    import("../../engine/engine.ts"),
    import("../../engine/executors/registry.ts"),
  ]);
  return createEngine({
    databasePath: config.databasePath,
    allowNetworks: config.allowNetworks,
    webhookSecrets: config.webhookSecrets,
    retentionDays: config.retentionDays,
    strictOutput: config.strictOutput,
    createExecutor: (deps) => createExecutors(executorSettings(config), deps),
    ...options,
  });
}

/** The settings of the executor of each processor. */
function executorSettings({
  documents,
  script,
  executors,
  embedding,
}: EngineConfig): Record<string, ExecutorSettings> {
  const settings = {
    scripted: { file: script },
    extractive: { folders: documents, embedding },
    host: { folders: documents },
  };
  return Object.fromEntries(
    Object.entries(executors).map(([processor, name]) => [processor, { [name]: settings[name] }]),
  );
}
