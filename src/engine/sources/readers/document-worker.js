// Starts document-worker.ts from sources; the build puts its own file of this name beside the program.
import { register } from "tsx/esm/api";

register();
await import("./document-worker.ts");
