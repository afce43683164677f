import type { Agent } from "node:http";
import type { Logger } from "pino";
import { ProxyFailed } from "../../client/http/proxies.ts";
import { passTraceOn } from "../../mcp/calls/trace-request.ts";
import type { OtlpForm } from "../../telemetry/create-telemetry.ts";
import type { Telemetry } from "../../telemetry/telemetry.ts";
import type { CollectorProxy, TelemetryConfig } from "../../settings/telemetry-settings.ts";

/**
 * The formats by value of `OTEL_EXPORTER_OTLP_PROTOCOL`. gRPC would need a library as large as the rest of this
 * program.
 */
const FORMS = new Map<string, OtlpForm>([
  ["http/protobuf", "protobuf"],
  ["http/json", "json"],
]);
/** The time for everything else to end by itself. */
const EXIT_MS = 100;

/**
 * Tracing, if the environment asks for it. The first request loads the libraries, because a host waits for the handshake.
 * Errors are logged, and requests continue untraced.
 */
export function openTelemetry(
  config: TelemetryConfig | undefined,
  { version, log }: { version: string; log: Logger },
): Telemetry | undefined {
  if (config === undefined) return undefined;
  const form = FORMS.get(config.protocol);
  if (form === undefined) {
    log.warn(
      { protocol: config.protocol },
      "tracing is off: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, and the endpoint to the collector's HTTP port (4318)",
    );
    return undefined;
  }
  let opened: Promise<Telemetry | undefined> | undefined;

  async function open(chosen: OtlpForm): Promise<Telemetry | undefined> {
    try {
      const { createTelemetry } = await import("../../telemetry/create-telemetry.ts");
      const agent = config?.proxy && (await openProxyAgent(config.proxy));
      return await createTelemetry({ form: chosen, agent, version, log });
    } catch (error) {
      log.warn({ err: error }, "tracing is off");
      return undefined;
    }
  }

  return {
    async traceRequest(request, work) {
      const telemetry = await (opened ??= open(form));
      return (telemetry?.traceRequest ?? passTraceOn)(request, work);
    },
    traceFetch(fetch) {
      // Only the first request opens tracing.
      return async (url, init) => {
        const telemetry = await opened;
        return (telemetry?.traceFetch(fetch) ?? fetch)(url, init);
      };
    },
    async close(ms) {
      const telemetry = await opened;
      if (telemetry === undefined || (await telemetry.close(ms))) return true;
      // Retries of the exporter must not keep the process alive.
      setTimeout(() => process.exit(), EXIT_MS).unref();
      return false;
    },
  };
}

/** A proxy agent for the exporter, which sends with `node:http`. */
async function openProxyAgent({
  origin,
  url,
  authorization,
  problem,
  target,
}: CollectorProxy): Promise<Agent> {
  if (problem !== undefined) throw new ProxyFailed(`${origin} ${problem}.`);
  const options = {
    keepAlive: true,
    headers: authorization === undefined ? {} : { "proxy-authorization": authorization },
  };
  if (target === "http:") {
    const { HttpProxyAgent } = await import("http-proxy-agent");
    return new HttpProxyAgent(url, options);
  }
  const { HttpsProxyAgent } = await import("https-proxy-agent");
  return new HttpsProxyAgent(url, options);
}
