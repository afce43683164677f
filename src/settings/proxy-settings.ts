import type { Proxies, Proxy } from "../client/http/proxies.ts";
import { OPTIONS, type SettingName, variablesOf } from "../options.ts";

/** Reads the standard proxy variables. A wrong proxy URL fails only the requests that need that proxy, not the start. */
export function readProxies(
  read: (name: SettingName) => { value: string; origin: string } | undefined,
): {
  proxies: Proxies;
  secrets: string[];
} {
  const secrets: string[] = [];
  const readProxy = (name: SettingName): Proxy | undefined => {
    const given = read(name);
    if (given === undefined) return undefined;
    const proxy = parseProxy(given.value, given.origin);
    secrets.push(...proxySecrets(given.value, proxy));
    return proxy;
  };
  const http = readProxy("httpProxy");
  const https = readProxy("httpsProxy");
  const noProxy = (read("noProxy")?.value ?? "").split(/[\s,]+/).filter((entry) => entry !== "");
  return { proxies: { http, https, noProxy }, secrets };
}

const PROXY_EXAMPLE = "the URL of an HTTP proxy, such as http://proxy.example.com:3128";

/** Parses a proxy URL; the scheme may be missing. `origin` is the variable that contains it. */
function parseProxy(value: string, origin: string): Proxy {
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== "";
  if (isHttp) {
    const user = decoded(url.username);
    const password = decoded(url.password);
    const hasCredentials = user !== "" || password !== "";
    return {
      origin,
      url: url.origin,
      authorization: hasCredentials
        ? `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`
        : undefined,
      problem: undefined,
    };
  }
  const isSocks = url !== undefined && url.protocol.startsWith("socks");
  const what = isSocks
    ? "names a SOCKS proxy, which is not supported"
    : "is not the URL of a proxy";
  return {
    origin,
    url: "http://proxy.invalid",
    authorization: undefined,
    problem: `${what}; write ${PROXY_EXAMPLE}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The text contains a plain percent sign.
    return text;
  }
}

/** The parts of a proxy URL that must never be logged. */
function proxySecrets(value: string, { authorization }: Proxy): string[] {
  const password = /^[^/]*\/\/[^@]*?:(.+)@/.exec(value)?.[1] ?? /^[^/:]*:([^/]+)@/.exec(value)?.[1];
  const encoded = authorization?.replace("Basic ", "");
  return [password, password && decoded(password), encoded].filter(
    (secret): secret is string => secret !== undefined && secret !== "",
  );
}

/** Clients do not pass these variables to their servers, which then have no network behind a proxy. */
const NETWORK_VARIABLES = [
  ...variablesOf(OPTIONS.httpsProxy),
  ...variablesOf(OPTIONS.httpProxy),
  ...variablesOf(OPTIONS.noProxy),
  // Node reads these at startup, before our code runs.
  "NODE_EXTRA_CA_CERTS",
  "NODE_USE_SYSTEM_CA",
];

/** The network variables that are set, for the `env` of a client's entry. */
export function readNetworkEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    NETWORK_VARIABLES.flatMap((name) => {
      const value = env[name]?.trim();
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}
