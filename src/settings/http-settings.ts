import { resolvePath } from "./folders.ts";
import type { SettingReader } from "./setting-reader.ts";
import {
  Dollars,
  DrainSeconds,
  HostNames,
  HttpUrl,
  Origins,
  Quota,
  Token,
  TrueOrFalse,
  splitList,
  withoutSecretPrefix,
} from "./setting-values.ts";

/** How the `http` command serves the MCP server, and which clients may call it. */
export interface HttpConfig {
  host: string;
  port: number;
  allowedHosts: string[];
  allowedOrigins: string[];
  tokensFile: string | undefined;
  token: string | undefined;
  oauth: { issuer: string; audience: string } | undefined;
  allowKeyHeader: boolean;
  /** Limits of each principal that has none of its own in the tokens file. */
  callerLimits: { requestsPerMinute: number | undefined; budgetUsdPerDay: number | undefined };
  /** The hosted API sends webhooks to this URL; `webhookSecrets` check their signatures. */
  publicUrl: string | undefined;
  webhookSecrets: string[];
  drainSeconds: number;
}

export function readHttp(
  { read, parse, reject }: SettingReader,
  address: Pick<HttpConfig, "host" | "port">,
): HttpConfig {
  const tokensFile = read("tokens")?.value;
  const issuer = parse("oauthIssuer", HttpUrl, "an https URL");
  const audience = parse("oauthAudience", HttpUrl, "the URL of this server, with /mcp");
  if ((read("oauthIssuer") === undefined) !== (read("oauthAudience") === undefined)) {
    const both = "--oauth-issuer and --oauth-audience";
    reject("oauthIssuer", `OAuth needs both ${both}; add the missing one`);
  }
  return {
    ...address,
    allowedHosts: splitList(
      parse("allowedHosts", HostNames, "names such as mcp.example.com, without scheme or port"),
    ),
    allowedOrigins: splitList(
      parse("allowedOrigins", Origins, "origins such as https://app.example.com"),
    ),
    tokensFile: tokensFile === undefined ? undefined : resolvePath(tokensFile),
    token: parse("httpToken", Token, "16 or more visible characters without spaces"),
    oauth: issuer === undefined || audience === undefined ? undefined : { issuer, audience },
    allowKeyHeader: parse("allowKeyHeader", TrueOrFalse, "true or false") ?? false,
    callerLimits: {
      requestsPerMinute: parse("callerRequestsPerMinute", Quota, "a number, 1 or more"),
      budgetUsdPerDay: parse(
        "callerBudgetUsd",
        Dollars,
        "a number of US dollars, such as 5 or 0.50",
      ),
    },
    publicUrl: parse("publicUrl", HttpUrl, "an http or https URL"),
    webhookSecrets: splitList(read("webhookSecrets")?.value).map(withoutSecretPrefix),
    drainSeconds: parse("drainSeconds", DrainSeconds, "a number of seconds, 0 to 3600") ?? 10,
  };
}

/** True for an address that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
