import ipaddr from "ipaddr.js";
import { UsageError } from "../../runtime/usage-error.ts";

type Address = ReturnType<typeof ipaddr.parse>;

/** A network in which every address and port may be reached. */
export type Network = readonly [address: Address, prefixBits: number];

/** An entry of the operator's list of networks cannot be used; the message says what to write instead. */
export class BadNetwork extends UsageError {
  override readonly name = "BadNetwork";

  constructor(entry: string, problem: string) {
    super(
      `"${entry}" ${problem}. Write networks in CIDR notation, for example 10.1.0.0/16, 127.0.0.1/32 or fd00::/8.`,
    );
  }
}

/**
 * Reads networks in CIDR notation. Throws {@link BadNetwork} for anything else, also for an address with bits outside
 * its prefix (`10.1.2.3/8`): the entry may mean one host, and would open a whole network.
 */
export function readNetworks(entries: readonly string[]): Network[] {
  return entries.map((entry) => {
    const text = entry.trim();
    // ipaddr.js also reads `127.1/8` and hexadecimal parts, which are surely mistakes.
    const isCidr = /^(?:\d+\.\d+\.\d+\.\d+|[\da-f:.]*:[\da-f:.]*)\/\d+$/i.test(text);
    if (!isCidr || !ipaddr.isValidCIDR(text)) throw new BadNetwork(entry, "is not a network");
    const [address, bits] = ipaddr.parseCIDR(text);
    const network =
      address.kind() === "ipv4"
        ? ipaddr.IPv4.networkAddressFromCIDR(text)
        : ipaddr.IPv6.networkAddressFromCIDR(text);
    if (network.toString() !== address.toString()) {
      throw new BadNetwork(
        entry,
        `has bits outside its prefix (the network is ${network.toString()}/${bits})`,
      );
    }
    return [network, bits];
  });
}

/** IPv6 beyond this block is not the public internet; there lie `::127.0.0.1` and other forms that hold IPv4 addresses. */
const GLOBAL_IPV6: Network = readNetwork("2000::/3");

/** Public addresses that a cloud (Azure) answers itself, with the secrets of the machine that asks. */
const METADATA: Network = readNetwork("168.63.129.16/32");

/** The ports of HTTP, and those above the ones of system services (mail, shells, directories), for servers of any kind. */
const FIRST_USER_PORT = 1_024;
function isWebPort(port: number): boolean {
  return port === 80 || port === 443 || port >= FIRST_USER_PORT;
}

/** The ranges of ipaddr.js in words, for error messages. */
const RANGES: Record<string, string> = {
  private: "it is in a private network",
  uniqueLocal: "it is in a private network",
  deprecatedSiteLocal: "it is in a private network",
  carrierGradeNat: "it is in a network shared by a provider's customers",
  loopback: "it is the engine's own machine",
  unspecified: "it is the engine's own machine",
  linkLocal: "it is a link-local address, as cloud metadata services have",
  multicast: "it is a multicast address",
  broadcast: "it is a broadcast address",
  ipv4Mapped: "it is an IPv4 address in IPv6 form",
  rfc6145: "it is an IPv4 address in IPv6 form",
  rfc6052: "it is an IPv4 address in IPv6 form",
  "6to4": "it is an IPv4 address in IPv6 form",
  teredo: "it is an IPv4 address in IPv6 form",
};
const RESERVED = "it is a reserved address";

/**
 * Why the engine does not connect to an IP address and port on behalf of a run, or null when it does: only to public
 * addresses on the ports 80, 443 and from 1024, and to everything in `allowed`. An address is compared with `allowed`
 * in the form it has: `::ffff:127.0.0.1` is not in `127.0.0.0/8`.
 */
export function refusalReason(
  text: string,
  port: number,
  allowed: readonly Network[],
): string | null {
  const address = ipaddr.parse(text);
  if (allowed.some((network) => contains(network, address))) return null;
  const range: string = address.range();
  if (range !== "unicast") return RANGES[range] ?? RESERVED;
  if (address.kind() === "ipv6" && !contains(GLOBAL_IPV6, address)) return RESERVED;
  if (contains(METADATA, address)) return "it is a cloud metadata service";
  if (!isWebPort(port)) return `port ${port} is not one of 80, 443, ${FIRST_USER_PORT}-65535`;
  return null;
}

function contains([network, bits]: Network, address: Address): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function readNetwork(cidr: string): Network {
  return ipaddr.parseCIDR(cidr);
}
