import { type Proxies, type Proxy, proxyFor } from "../client/http/proxies.ts";

/** The proxy for requests to the collector. */
export interface CollectorProxy extends Proxy {
  /** URL scheme of the collector, such as `https:`. */
  target: string;
}

/** How spans are exported. The OpenTelemetry libraries read the other standard variables themselves. */
export interface TelemetryConfig {
  /** `http/protobuf` by default. */
  protocol: string;
  proxy: CollectorProxy | undefined;
  /** Header values that must not be logged. */
  secrets: string[];
}

/** Shorter header values are not secrets, and redacting them would damage unrelated log text. */
const SECRET_CHARS = 8;

/**
 * Reads the standard variables (OpenTelemetry, "Environment Variable Specification"). Undefined without an endpoint:
 * unlike the specification we assume no default one, so that no span leaves this process unasked.
 */
export function readTelemetry(
  env: NodeJS.ProcessEnv,
  proxies: Proxies,
): TelemetryConfig | undefined {
  const read = (name: string) => env[name]?.trim() ?? "";
  /** The traces variable wins over the general one. */
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

/** The values in `name=value,name=value`, both encoded and decoded: logs may contain either. */
function headerValues(headers: string): string[] {
  return headers.split(",").flatMap((pair) => {
    const value = pair.slice(pair.indexOf("=") + 1).trim();
    try {
      return [value, decodeURIComponent(value)];
    } catch {
      // The libraries drop values that cannot be decoded.
      return [value];
    }
  });
}
