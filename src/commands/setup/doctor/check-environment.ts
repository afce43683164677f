import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { closestMatch } from "leven";
import { type Proxies, type Proxy, proxyFor } from "../../../client/http/proxies.ts";
import type { BackendConfig } from "../../../config.ts";
import { NoFileDriver, hasNodeSqlite, loadSqliteDriver } from "../../../database/load-sqlite.ts";
import { OPTIONS, type Setting, variablesOf } from "../../../options.ts";
import { errorMessage } from "../../../text/error-message.ts";
import type { Finding } from "./finding.ts";

/** The same as `engines` in package.json. */
const OLDEST_NODE = [20, 18, 1] as const;

export function checkNode(version: string): Finding {
  const check = "Node";
  const parts = version.split(".").map(Number);
  const differing = OLDEST_NODE.findIndex((part, index) => part !== parts[index]);
  const isOldEnough =
    differing < 0 || (parts[differing] ?? 0) > (OLDEST_NODE[differing] ?? Number.POSITIVE_INFINITY);
  if (isOldEnough) return { check, state: "ok", message: version };
  return {
    check,
    state: "problem",
    message: `${version} is too old`,
    advice: `Install Node ${OLDEST_NODE.join(".")} or later.`,
  };
}

/** Which SQLite library stores the state. */
export async function checkSqlite(nodeVersion: string, anyFile: string): Promise<Finding> {
  const check = "SQLite";
  if (hasNodeSqlite(nodeVersion)) return { check, state: "ok", message: "node:sqlite" };
  try {
    await loadSqliteDriver(anyFile);
    return { check, state: "ok", message: "libsql" };
  } catch (error) {
    if (!(error instanceof NoFileDriver)) throw error;
    return {
      check,
      state: "warning",
      message: "no library that can write a file: runs are kept in memory and end with the server",
      advice: "Use Node 22.13 or later, or install the optional package libsql.",
    };
  }
}

/** Which proxies are set, whether they can be used, and which one serves the backend. */
export function checkProxies({ http, https }: Proxies, backend: BackendConfig): Finding[] {
  const check = "Proxy";
  const given = [https, http].filter((proxy) => proxy !== undefined);
  const used =
    backend.kind === "embedded" || backend.proxies === undefined
      ? undefined
      : proxyFor(new URL(backend.baseUrl), backend.proxies);
  return given.map((proxy): Finding => {
    const { origin, problem } = proxy;
    if (problem !== undefined) {
      const [what = "", advice = ""] = problem.split("; ");
      // An unused proxy may be intended for other programs.
      const state = proxy === used ? "problem" : "warning";
      return { check, state, message: `${origin} ${what}`, advice: `${capital(advice)}.` };
    }
    return { check, state: "ok", message: `${labelOf(proxy)}${useOf(proxy, used, backend)}` };
  });
}

function labelOf({ url, origin, authorization }: Proxy): string {
  return `${url} (${origin}${authorization === undefined ? "" : ", with credentials"})`;
}

function useOf(proxy: Proxy, used: Proxy | undefined, backend: BackendConfig): string {
  if (backend.kind === "embedded") return "";
  return proxy === used ? ` for ${backend.baseUrl}` : `, not for ${backend.baseUrl}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Whether Node can read the file of extra CA certificates; Node itself only warns. */
export async function checkCertificates(file: string | undefined): Promise<Finding[]> {
  if (file === undefined || file === "") return [];
  const check = "Certificates";
  const advice = "Set NODE_EXTRA_CA_CERTS to a file of certificates in PEM form.";
  try {
    const text = await readFile(file, "utf8");
    const found = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END/g) ?? [];
    if (found.length === 0) throw new Error("it contains no PEM certificate");
    const read = found.map((one) => new X509Certificate(`${one} CERTIFICATE-----\n`));
    const count = read.length === 1 ? "1 certificate" : `${read.length} certificates`;
    return [{ check, state: "ok", message: `${file} (NODE_EXTRA_CA_CERTS), ${count}` }];
  } catch (error) {
    const message = `NODE_EXTRA_CA_CERTS: ${file} cannot be used (${errorMessage(error)})`;
    return [{ check, state: "problem", message, advice }];
  }
}

/** Variables with a misspelt name of a setting, each with the nearest setting. */
export function checkVariables(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Finding[] {
  const known = Object.values<Setting>(OPTIONS).flatMap(variablesOf);
  const ours = known.filter((name) => OUR_VARIABLE.test(name));
  const ofBackend = known.filter((name) => BACKEND_VARIABLE.test(name));
  return Object.keys(env).flatMap((variable): Finding[] => {
    const name = variable.toUpperCase();
    // Only Windows ignores the case of variables.
    if (known.includes(platform === "win32" ? name : variable)) return [];
    const isOurs = OUR_VARIABLE.test(name);
    if (!isOurs && !BACKEND_VARIABLE.test(name)) return [];
    const nearest = isOurs
      ? closestMatch(name, ours)
      : closestMatch(name, ofBackend, { maxDistance: TYPING_DISTANCE });
    // Other programs may have variables with the backend's prefix.
    if (nearest === undefined) return [];
    const message = `${variable} is not a setting`;
    return [{ check: "Variables", state: "warning", message, advice: `Did you mean ${nearest}?` }];
  });
}

const OUR_VARIABLE = /^TASK_RUN_MCP_/;
const BACKEND_VARIABLE = /^PARALLEL_/;
/** The largest edit distance of a typing error. */
const TYPING_DISTANCE = 3;
