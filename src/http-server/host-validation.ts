import type { AddressInfo } from "node:net";
import ipaddr from "ipaddr.js";
import { ApiError } from "../engine/http-api/api-error.ts";

type Fetch = (request: Request) => Promise<Response>;

/**
 * Behind a loopback address, refuses requests that were sent to another name. A web page can have its own name resolve
 * to 127.0.0.1 (DNS rebinding); for the browser this engine is then a part of that page, and nothing but the `Host`
 * header tells. Elsewhere `fetch` is returned as it is: which names lead to it is not known, and a key is needed there.
 *
 * The refusal is 421: the request reached a server that does not speak for the name it was sent to (RFC 9110, 15.5.20).
 * 403 says in this API that a processor is unknown.
 */
export function requireOwnHost(
  fetch: Fetch,
  { bound, host }: { bound: AddressInfo; host: string },
): Fetch {
  if (!isLoopback(bound.address)) return fetch;
  return async (request) => {
    const name = readName(request.headers.get("host") ?? "");
    if (!isLoopback(name) && !isLocalhost(name) && name !== readName(host)) {
      throw new ApiError(
        421,
        "Misdirected request: this server answers to localhost and loopback addresses only. Call it by one of these, or let your proxy send one as Host.",
      );
    }
    return fetch(request);
  };
}

/** The name of a host, without its port, brackets and final dot, in the spelling of URLs; empty for none. */
function readName(host: string): string {
  const address = host.includes("::") && !host.startsWith("[") ? `[${host}]` : host;
  if (!URL.canParse(`http://${address}`)) return "";
  return new URL(`http://${address}`).hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** `localhost` and the names below it, which nobody can own (RFC 6761, 6.3). */
function isLocalhost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}

function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
}
