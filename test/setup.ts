import fc from "fast-check";
import { afterAll } from "vitest";
import { load } from "./load.ts";
import { closeFile } from "./on-finished.ts";

fc.configureGlobal({ numRuns: load({ full: 100, short: 20 }) });

afterAll(closeFile);
