// A process that prints its name as an owner of work, and ends.
import { createProcessOwner } from "../../src/database/process-owner.ts";

process.stdout.write(createProcessOwner());
