import { expect, test } from "vitest";
import { BadNetwork, readNetworks, refusalReason } from "../../../src/engine/outgoing/networks.ts";

test.each(["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::200e"])(
  "%s is public",
  (address) => {
    expect(refusalReason(address, 443, [])).toBeNull();
  },
);

test.each([
  // The unspecified, loopback, private, shared, link-local and metadata addresses.
  "0.0.0.0",
  "0.1.2.3",
  "127.0.0.1",
  "127.255.255.254",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "100.100.100.200",
  "169.254.169.254",
  "168.63.129.16",
  "192.0.0.192",
  // Documentation, benchmarks, relays, multicast, reserved, broadcast.
  "192.0.2.1",
  "198.51.100.7",
  "203.0.113.9",
  "198.18.0.1",
  "192.88.99.1",
  "224.0.0.1",
  "239.255.255.250",
  "240.0.0.1",
  "255.255.255.255",
  // The same in IPv6.
  "::",
  "::1",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "fc00::1",
  "fd00:ec2::254",
  "ff02::1",
  "2001:db8::1",
  "3fff::1",
  "100::1",
  "5f00::1",
  "4000::1",
  // IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo.
  "::ffff:127.0.0.1",
  "::ffff:8.8.8.8",
  "::ffff:7f00:1",
  "::127.0.0.1",
  "::7f00:1",
  "::ffff:0:127.0.0.1",
  "64:ff9b::7f00:1",
  "64:ff9b:1::a00:1",
  "2002:7f00:1::",
  "2001:0:4136:e378::1",
])("%s is refused, with a reason", (address) => {
  expect(refusalReason(address, 443, [])).toMatch(/^it is /);
});

test.each([
  [80, true],
  [443, true],
  [1024, true],
  [8080, true],
  [65535, true],
  [22, false],
  [25, false],
  [389, false],
  [1023, false],
])("port %i of a public address is open: %s", (port, isOpen) => {
  expect(refusalReason("93.184.216.34", port, []) === null).toBe(isOpen);
});

test("an allowed network is open with every port, and nothing beside it", () => {
  const networks = readNetworks(["10.1.0.0/16", " fd12::/16 "]);
  expect(refusalReason("10.1.255.255", 22, networks)).toBeNull();
  expect(refusalReason("fd12::1", 5432, networks)).toBeNull();
  expect(refusalReason("10.2.0.0", 443, networks)).toMatch(/private/);
  expect(refusalReason("fd13::1", 443, networks)).toMatch(/private/);
  expect(refusalReason("::ffff:10.1.0.1", 443, networks)).toMatch(/IPv4 address in IPv6 form/);
  expect(refusalReason("8.8.8.8", 22, networks)).toMatch(/port 22/);
});

test.each([
  ["", "is not a network"],
  ["10.0.0.1", "is not a network"],
  ["10.0.0.0/33", "is not a network"],
  ["10.0/8", "is not a network"],
  ["0x0a.0.0.0/8", "is not a network"],
  ["localhost/8", "is not a network"],
  ["fd00::/129", "is not a network"],
  ["10.1.2.3/8", "has bits outside its prefix (the network is 10.0.0.0/8)"],
  ["fd00::1/8", "has bits outside its prefix (the network is fd00::/8)"],
])("the list entry %j is refused with what to write instead", (entry, problem) => {
  const read = () => readNetworks(["127.0.0.0/8", entry]);
  expect(read).toThrow(BadNetwork);
  expect(read).toThrow(
    `"${entry}" ${problem}. Write networks in CIDR notation, for example 10.1.0.0/16`,
  );
});
