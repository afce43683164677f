import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import { buildConnector } from "undici";
import { type Network, refusalReason } from "./networks.ts";
import { AddressRefused, HostUnreachable } from "./outgoing-errors.ts";

export interface ResolvedAddress {
  address: string;
  family: number;
}

type Addresses = readonly [ResolvedAddress, ...ResolvedAddress[]];

/** The addresses of a host name, as the system resolves it (hosts file included). */
export type ResolveHost = (hostname: string) => Promise<readonly ResolvedAddress[]>;

const resolveWithSystem: ResolveHost = (hostname) => systemLookup(hostname, { all: true });

/**
 * Opens the connections of the guarded fetch. A name is resolved once, every address is checked, and the socket gets
 * exactly these addresses: no second lookup could return others (DNS rebinding). One forbidden address among several
 * rejects the name, because no public site has one.
 */
export function createGuardedConnector({
  networks,
  connectMs,
  resolveHost = resolveWithSystem,
}: {
  networks: readonly Network[];
  connectMs: number;
  resolveHost?: ResolveHost | undefined;
}): buildConnector.connector {
  async function checkedAddresses(host: string, port: number): Promise<Addresses> {
    const family = isIP(host);
    const addresses: Addresses = family === 0 ? await resolve(host) : [{ address: host, family }];
    for (const { address } of addresses) {
      const reason = refusalReason(address, port, networks);
      if (reason !== null) throw new AddressRefused(host, address, reason);
    }
    return addresses;
  }

  async function resolve(host: string): Promise<Addresses> {
    let cause: unknown;
    try {
      const [first, ...others] = await resolveHost(host);
      if (first !== undefined) return [first, ...others];
    } catch (error) {
      cause = error;
    }
    throw new HostUnreachable(host, `The host ${host} was not found`, { cause });
  }

  async function open(
    options: buildConnector.Options,
    callback: buildConnector.Callback,
  ): Promise<void> {
    const port = Number(options.port) || (options.protocol === "https:" ? 443 : 80);
    let addresses: Addresses;
    try {
      addresses = await checkedAddresses(options.hostname, port);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null);
      return;
    }
    const [first] = addresses;
    const connect = buildConnector({
      timeout: connectMs,
      lookup: (_hostname, { all }, done) => {
        if (all === true) done(null, [...addresses]);
        else done(null, first.address, first.family);
      },
    });
    connect(options, callback);
  }

  return (options, callback) => void open(options, callback);
}
