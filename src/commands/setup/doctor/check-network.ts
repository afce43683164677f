import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Proxies, type Proxy, proxyFor } from "../../../client/http/proxies.ts";
import type { BackendConfig } from "../../../config.ts";
import { type Finding, reasonOf } from "./finding.ts";

/** Which proxies are set, whether they can be used, and through which one the backend is asked. */
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
      // What nothing goes through may be meant for other programs.
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

/** Whether the file of certificates that Node is to trust besides can be read; Node itself only warns. */
export async function checkCertificates(file: string | undefined): Promise<Finding[]> {
  if (file === undefined || file === "") return [];
  const check = "Certificates";
  const advice = "Set NODE_EXTRA_CA_CERTS to a file of certificates in PEM form.";
  try {
    const text = await readFile(file, "utf8");
    const found = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END/g) ?? [];
    if (found.length === 0) throw new Error("there is no PEM certificate in it");
    const read = found.map((one) => new X509Certificate(`${one} CERTIFICATE-----\n`));
    const count = read.length === 1 ? "1 certificate" : `${read.length} certificates`;
    return [{ check, state: "ok", message: `${file} (NODE_EXTRA_CA_CERTS), ${count}` }];
  } catch (error) {
    const message = `NODE_EXTRA_CA_CERTS: ${file} cannot be used (${reasonOf(error)})`;
    return [{ check, state: "problem", message, advice }];
  }
}
