import { z } from "zod";
import type { Proxy } from "./client/proxies.ts";

// What the values of settings may be, as text.

/** `5`, and as people write it: `$5`, `5 USD`. */
export const Dollars = z
  .string()
  .transform((value) => value.replaceAll(/^(?:US)?\$\s*|\s*(?:\$|USD|(?:US )?dollars?)$/gi, ""))
  .pipe(z.string().min(1))
  .pipe(z.coerce.number<string>().min(0));
export const Quota = z.coerce.number().int().min(1);
export const Seconds = z.coerce.number<string>().min(1).max(3_600);
/** `cursor=240,codex=120` */
export const WaitCaps = z
  .string()
  .transform((value) => Object.fromEntries(splitList(value.toLowerCase()).map(splitPair)))
  .pipe(z.record(z.string().min(1), Seconds));
export const DrainSeconds = z.coerce.number<string>().min(0).max(3_600);
export const HostNames = z
  .string()
  .regex(/^(?:[\w.-]+|\[[\da-f:]+\])(?:\s*,\s*(?:[\w.-]+|\[[\da-f:]+\]))*$/i);
/** As browsers write them: without a path, and in small letters. */
export const Origins = z
  .string()
  .refine((value) =>
    splitList(value).every((one) => URL.canParse(one) && new URL(one).origin === one),
  );
/** What can stand behind `Bearer ` (RFC 6750), and is too long to be guessed. */
export const Token = z.string().regex(/^[\w.~+/-]{16,}=*$/);
export const HttpUrl = z.url({ protocol: /^https?$/ });
export const Days = z.coerce.number().int().min(1);
export const Port = z.coerce.number().int().min(0).max(65_535);

export function splitList(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map(cleanValue)
    .filter((part) => part !== "");
}

const QUOTED =
  /^(?:"([^"]*)"|'([^']*)'|`([^`]*)`|\u201c([^\u201d]*)\u201d|\u2018([^\u2019]*)\u2019)$/s;

/** What was meant by a value: without the space and the quotation marks around it that hosts and shells leave there. */
export function cleanValue(text: string): string {
  const value = text.replaceAll(/^[\s\u200b]+|[\s\u200b]+$/g, "");
  const inner = QUOTED.exec(value)
    ?.slice(1)
    .find((part) => part !== undefined);
  return inner === undefined ? value : cleanValue(inner);
}

function splitPair(pair: string): [name: string, value: string] {
  const at = pair.lastIndexOf("=");
  return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()];
}

const PROXY_EXAMPLE = "the URL of an HTTP proxy, such as http://proxy.example.com:3128";

/** A proxy by its URL, which may lack the scheme. `origin` is the setting that holds it. */
export function parseProxy(value: string, origin: string): Proxy {
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

/** What of a proxy's URL may be shown to nobody. */
export function proxySecrets(value: string, { authorization }: Proxy): string[] {
  const password = /^[^/]*\/\/[^@]*?:(.+)@/.exec(value)?.[1] ?? /^[^/:]*:([^/]+)@/.exec(value)?.[1];
  const encoded = authorization?.replace("Basic ", "");
  return [password, password && decoded(password), encoded].filter(
    (secret): secret is string => secret !== undefined && secret !== "",
  );
}
