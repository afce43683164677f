import type { Logger } from "pino";
import { untilAborted } from "../../runtime/on-abort.ts";
import { isLoopback } from "../../settings/http-settings.ts";
import type { EngineConfig, ServeConfig } from "../../config.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../../runtime/usage-error.ts";
import { readPrices } from "../wiring/check-settings.ts";
import { releaseMemoryAtRest } from "./release-memory.ts";
import { openEngine } from "../wiring/open-engine.ts";

/** `task-run-mcp engine`: serves our Task API until `signal` aborts. The first line on stdout is its base URL. */
export async function engineCommand({
  config,
  serve: { host, port, apiKey, tenantsFile, profile, requireBetas, pricesFile },
  log,
  signal,
  stdout,
}: {
  config: EngineConfig;
  serve: ServeConfig;
  log: Logger;
  signal: AbortSignal;
  stdout: NodeJS.WritableStream;
}): Promise<ExitCode> {
  if (apiKey === undefined && tenantsFile === undefined && !isLoopback(host)) {
    throw new UsageError(
      `--host ${host} is reachable from other machines: add --api-key or --tenants, or listen on 127.0.0.1.`,
    );
  }
  const [{ serveTaskApi }, { readTenants, singleTenant }] = await Promise.all([
    import("../../engine/http-api/serve.ts"),
    import("../../engine/tenants/tenants.ts"),
  ]);
  const tenants = tenantsFile === undefined ? singleTenant(apiKey) : await readTenants(tenantsFile);
  const prices = pricesFile === undefined ? undefined : await readPrices(pricesFile);
  const engine = await openEngine(config, { tenants, profile, requireBetas, prices, log });
  try {
    const server = await serveTaskApi((request) => engine.fetch(request), { host, port, log });
    stdout.write(`${server.url}\n`);
    log.info({ url: server.url, documents: config.documents }, "engine is listening");
    const stopReleasing = releaseMemoryAtRest();
    await untilAborted(signal);
    stopReleasing();
    await server.close();
  } finally {
    await engine.close();
  }
  return ExitCode.done;
}
