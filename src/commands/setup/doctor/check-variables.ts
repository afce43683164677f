import { closestMatch } from "leven";
import { OPTIONS, type Setting, variablesOf } from "../../../options.ts";
import type { Finding } from "./finding.ts";

/** Variables that look like settings and are none, each with the setting that may have been meant. */
export function checkVariables(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Finding[] {
  const known = Object.values<Setting>(OPTIONS).flatMap(variablesOf);
  const ours = known.filter((name) => OUR_VARIABLE.test(name));
  const ofBackend = known.filter((name) => BACKEND_VARIABLE.test(name));
  return Object.keys(env).flatMap((variable): Finding[] => {
    const name = variable.toUpperCase();
    // Only on Windows do small letters make no difference.
    if (known.includes(platform === "win32" ? name : variable)) return [];
    const isOurs = OUR_VARIABLE.test(name);
    if (!isOurs && !BACKEND_VARIABLE.test(name)) return [];
    const nearest = isOurs
      ? closestMatch(name, ours)
      : closestMatch(name, ofBackend, { maxDistance: TYPING_DISTANCE });
    // Other programs may have variables that begin like those of the backend.
    if (nearest === undefined) return [];
    const message = `${variable} is no setting`;
    return [{ check: "Variables", state: "warning", message, advice: `Is ${nearest} meant?` }];
  });
}

const OUR_VARIABLE = /^TASK_RUN_MCP_/;
const BACKEND_VARIABLE = /^PARALLEL_/;
/** A typing error is no farther away. */
const TYPING_DISTANCE = 3;
