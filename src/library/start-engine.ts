import { openEngine } from "../commands/wiring/open-engine.ts";
import { type EngineOptions, engineFlags } from "./options.ts";
import { readConfig } from "../config.ts";
import { createLogger } from "../logger.ts";

export interface ServedEngineOptions extends EngineOptions {
  /** `127.0.0.1` by default. */
  host?: string;
  /** 0, the default, takes a free one. */
  port?: number;
  /** The key that callers must send as `x-api-key`; none by default. */
  apiKey?: string;
  /** `hosted` makes the engine behave as the hosted API where ours can do more. */
  profile?: "extended" | "hosted";
}

/** An engine that is listening. */
export interface ServedEngine {
  /** The base URL of its Task API. */
  url: string;
  /** Stops listening, finishes what cannot be interrupted, and closes its files. */
  close(): Promise<void>;
}

/**
 * Serves our own Task API over HTTP: a backend without a key and without a network for tests and CI, for any client of
 * the Task API. Throws `BadSetting`, `DatabaseUnusable`, and the system's error when it cannot listen.
 */
export async function startEngine(options: ServedEngineOptions = {}): Promise<ServedEngine> {
  const {
    engine: config,
    serve,
    logLevel,
    secrets,
  } = readConfig(
    {
      ...engineFlags(options),
      ...(options.host !== undefined && { host: options.host }),
      ...(options.port !== undefined && { port: String(options.port) }),
      ...(options.apiKey !== undefined && { engineApiKey: options.apiKey }),
      ...(options.profile !== undefined && { profile: options.profile }),
    },
    {},
  );
  const log = createLogger({ level: logLevel, secrets });
  const [{ serveTaskApi }, { singleTenant }] = await Promise.all([
    import("../engine/http-api/serve.ts"),
    import("../engine/tenants/tenants.ts"),
  ]);
  const engine = await openEngine(
    options.stateDir === undefined ? { ...config, databasePath: ":memory:" } : config,
    { tenants: singleTenant(serve.apiKey), profile: serve.profile, log },
  );
  try {
    const { host, port } = serve;
    const server = await serveTaskApi((request) => engine.fetch(request), { host, port, log });
    return {
      url: server.url,
      async close() {
        await server.close();
        await engine.close();
      },
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
