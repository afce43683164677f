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
  withoutForm,
} from "./setting-values.ts";

/** How the MCP server is served over HTTP, and to whom. */
export interface HttpConfig {
  host: string;
  port: number;
  allowedHosts: string[];
  allowedOrigins: string[];
  tokensFile: string | undefined;
  token: string | undefined;
  oauth: { issuer: string; audience: string } | undefined;
  allowKeyHeader: boolean;
  /** Of each caller of whom the tokens file says nothing else. */
  callerLimits: { requestsPerMinute: number | undefined; budgetUsdPerDay: number | undefined };
  /** Where others reach this server, and the secrets of what they report there. */
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
    reject("oauthIssuer", `OAuth needs both ${both}; add the other one`);
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
    webhookSecrets: splitList(read("webhookSecrets")?.value).map(withoutForm),
    drainSeconds: parse("drainSeconds", DrainSeconds, "a number of seconds, 0 to 3600") ?? 10,
  };
}
