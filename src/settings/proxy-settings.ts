import type { Proxies, Proxy } from "../client/http/proxies.ts";
import { OPTIONS, type SettingName, variablesOf } from "../options.ts";

/** Proxies by the standard variables. One that cannot be used is a problem of the requests that would go through it. */
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

/** A proxy by its URL, which may lack the scheme. `origin` is the setting that holds it. */
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
  const what = isSocks ? "names a SOCKS proxy, which cannot be used" : "is not the URL of a proxy";
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
    // A percent sign that stands for itself.
    return text;
  }
}

/** The parts of a proxy's URL that must never be shown. */
function proxySecrets(value: string, { authorization }: Proxy): string[] {
  const password = /^[^/]*\/\/[^@]*?:(.+)@/.exec(value)?.[1] ?? /^[^/:]*:([^/]+)@/.exec(value)?.[1];
  const encoded = authorization?.replace("Basic ", "");
  return [password, password && decoded(password), encoded].filter(
    (secret): secret is string => secret !== undefined && secret !== "",
  );
}

/** Variables that a client does not hand on to the servers that it starts, and without which they reach nobody. */
const NETWORK_VARIABLES = [
  ...variablesOf(OPTIONS.httpsProxy),
  ...variablesOf(OPTIONS.httpProxy),
  ...variablesOf(OPTIONS.noProxy),
  // Read by Node itself, before any code of ours runs.
  "NODE_EXTRA_CA_CERTS",
  "NODE_USE_SYSTEM_CA",
];

/** What of the environment decides how a server reaches the network. */
export function readNetworkEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    NETWORK_VARIABLES.flatMap((name) => {
      const value = env[name]?.trim();
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}
