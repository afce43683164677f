import type { EngineConfig } from "../../config.ts";
import type { Engine, EngineOptions } from "../../engine/engine.ts";

/** Starts our own engine. Its modules load here, so that nobody else waits for them. */
export async function startEngine(
  config: EngineConfig,
  options: Pick<
    EngineOptions,
    "tenants" | "profile" | "requireBetas" | "performsRuns" | "prices" | "log"
  >,
): Promise<Engine> {
  const { createEngine } = await import("../../engine/engine.ts");
  return createEngine({
    databasePath: config.databasePath,
    allowNetworks: config.allowNetworks,
    webhookSecrets: config.webhookSecrets,
    retentionDays: config.retentionDays,
    strictOutput: config.strictOutput,
    createExecutor: executorOf(config),
    ...options,
  });
}

function executorOf({ documents, script: file }: EngineConfig): EngineOptions["createExecutor"] {
  if (file !== undefined) {
    return async ({ log }) => {
      const [{ createScriptedExecutor }, { readScript }, { systemClock }] = await Promise.all([
        import("../../engine/executors/scripted/scripted-executor.ts"),
        import("../../engine/executors/scripted/read-script.ts"),
        import("../../runtime/clock.ts"),
      ]);
      return createScriptedExecutor({ script: await readScript(file), clock: systemClock, log });
    };
  }
  return async ({ db, fetchFromRun, log }) => {
    const { createExtractiveExecutor } =
      await import("../../engine/executors/extractive/extractive-executor.ts");
    return createExtractiveExecutor({
      db,
      folders: documents,
      log,
      openMcpServers: async (entries, signal) => {
        const { openRunMcpServers } = await import("../../engine/mcp-servers/run-mcp-servers.ts");
        return openRunMcpServers(entries, { fetch: fetchFromRun, signal, log });
      },
    });
  };
}
