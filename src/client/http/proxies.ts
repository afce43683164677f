import { BlockList, isIP } from "node:net";

/** A proxy, or why what names it cannot be used: that counts only for requests that would go through it. */
export interface Proxy {
  /** The setting that names it, for messages. */
  origin: string;
  /** The proxy's URL without its credentials. */
  url: string;
  /** The value of `proxy-authorization`. */
  authorization: string | undefined;
  problem: string | undefined;
}

/** Which requests go through which proxy. */
export interface Proxies {
  /** The proxy for `http:` URLs. */
  http: Proxy | undefined;
  /** The proxy for `https:` URLs; without one they use the other, as with undici's `EnvHttpProxyAgent`. */
  https: Proxy | undefined;
  /** Hosts that are reached directly: names with everything below them, addresses, networks, or `*`. */
  noProxy: readonly string[];
}

export const NO_PROXIES: Proxies = { http: undefined, https: undefined, noProxy: [] };

/**
 * The proxy failed or rejected the request, so nothing of it has reached the server. The message has no credentials.
 */
export class ProxyFailed extends Error {
  override readonly name = "ProxyFailed";
  readonly code = "PROXY_FAILED";
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** The proxy of a request; undefined when it goes to its server directly, as every request to this machine does. */
export function proxyFor(url: URL, { http, https, noProxy }: Proxies): Proxy | undefined {
  const proxy = url.protocol === "https:" ? (https ?? http) : http;
  if (proxy === undefined) return undefined;
  const host = url.hostname.replace(/^\[|\]$|\.$/g, "").toLowerCase();
  if (isBelow(host, "localhost") || isAmong(host, LOOPBACK)) return undefined;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy.some((entry) => isExcepted(entry, host, port)) ? undefined : proxy;
}

/** Whether an entry of `NO_PROXY` names the host: `*`, `example.com`, `.example.com`, `host:8080`, `10.0.0.0/8`, `[::1]`. */
function isExcepted(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const [, bracketed, plain, onPort] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  if (onPort !== undefined && onPort !== port) return false;
  // An IPv6 address has colons of its own.
  const name = (bracketed ?? plain ?? entry).toLowerCase();
  const [address = "", bits] = name.split("/");
  const family = isIP(address);
  if (family === 0) return isBelow(host, name.replace(/^\*?\.|\.$/g, ""));
  const network = new BlockList();
  const longest = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? longest : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > longest) return false;
  network.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  return isAmong(host, network);
}

function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function isAmong(host: string, networks: BlockList): boolean {
  const family = isIP(host);
  return family !== 0 && networks.check(host, family === 4 ? "ipv4" : "ipv6");
}
