// A process that prints the name under which it would hold leases, and ends.
import { createLeaseOwner } from "../../src/engine/dispatch/lease-owner.ts";

process.stdout.write(createLeaseOwner());
