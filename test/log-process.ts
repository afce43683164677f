import { createLogger } from "../src/logger.ts";

createLogger({ level: "info", secrets: ["sk-secret"] }).info(
  { step: "a\u001b[31mb\ud83d\u009b2J", "n\u202e": "sk-\u200bsecret", err: new Error("x\u0007") },
  "said \u{e0041}this\nline",
);
