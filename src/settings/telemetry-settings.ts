import { type Proxies, type Proxy, proxyFor } from "../client/http/proxies.ts";

/** A proxy between here and the collector. */
export interface CollectorProxy extends Proxy {
  /** The protocol of the collector. */
  target: string;
}

/** That spans are wanted, and how they are sent; the rest of the standard variables the libraries read themselves. */
export interface TelemetryConfig {
  /** `http/protobuf` unless it was set. */
  protocol: string;
  proxy: CollectorProxy | undefined;
  /** What may not be logged. */
  secrets: string[];
}

/** Shorter values of headers are no secrets, and would be replaced wherever they stand. */
const SECRET_CHARS = 8;

/**
 * What the standard variables of OpenTelemetry ask for; undefined without an endpoint. The default endpoint of the
 * specification does not count: nothing leaves this process unless somebody said where to. Source: OpenTelemetry,
 * "Environment Variable Specification" and "OpenTelemetry Protocol Exporter".
 */
export function readTelemetry(
  env: NodeJS.ProcessEnv,
  proxies: Proxies,
): TelemetryConfig | undefined {
  const read = (name: string) => env[name]?.trim() ?? "";
  /** A variable for traces wins over the one for everything. */
  const readOtlp = (name: string) =>
    read(`OTEL_EXPORTER_OTLP_TRACES_${name}`) || read(`OTEL_EXPORTER_OTLP_${name}`);

  const endpoint = readOtlp("ENDPOINT");
  if (endpoint === "" || read("OTEL_SDK_DISABLED").toLowerCase() === "true") {
    return undefined;
  }
  const exporters = (read("OTEL_TRACES_EXPORTER") || "otlp").split(",");
  if (!exporters.some((name) => name.trim() === "otlp")) return undefined;
  return {
    protocol: readOtlp("PROTOCOL") || "http/protobuf",
    proxy: collectorProxy(endpoint, proxies),
    secrets: headerValues(readOtlp("HEADERS")).filter((value) => value.length >= SECRET_CHARS),
  };
}

function collectorProxy(endpoint: string, proxies: Proxies): CollectorProxy | undefined {
  if (!URL.canParse(endpoint)) return undefined;
  const url = new URL(endpoint);
  const proxy = proxyFor(url, proxies);
  return proxy && { ...proxy, target: url.protocol };
}

/** The values in `name=value,name=value`, as they are and as they are sent. */
function headerValues(headers: string): string[] {
  return headers.split(",").flatMap((pair) => {
    const value = pair.slice(pair.indexOf("=") + 1).trim();
    try {
      return [value, decodeURIComponent(value)];
    } catch {
      // The libraries leave out what cannot be decoded.
      return [value];
    }
  });
}
