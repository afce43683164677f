import type { AddressInfo } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * Whether a `Host` header names this server, for a server on a loopback address. A web page can make its own name
 * resolve to 127.0.0.1 (DNS rebinding). The browser then treats this server as part of that page, and only the header
 * shows it. On other addresses every name is accepted: the valid names are not known, and a key is required there.
 */
export function createHostCheck(
  bound: AddressInfo,
  host: string,
): (hostHeader: string | null) => boolean {
  if (!isLoopback(bound.address)) return () => true;
  const ownName = readName(host);
  return (hostHeader) => {
    const name = readName(hostHeader ?? "");
    return isLoopback(name) || isLocalhost(name) || name === ownName;
  };
}

/** The name of a host, without its port, brackets and final dot, in the spelling of URLs; empty for none. */
function readName(host: string): string {
  const address = host.includes("::") && !host.startsWith("[") ? `[${host}]` : host;
  if (!URL.canParse(`http://${address}`)) return "";
  return new URL(`http://${address}`).hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** `localhost` and the names below it, which cannot be registered (RFC 6761, 6.3). */
function isLocalhost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}

function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
}
