import { createClient } from "../../../client/create-task-api-client.ts";
import {
  BackendUnreachable,
  Forbidden,
  InvalidRequest,
  RateLimited,
  RunNotFound,
  Unauthorized,
} from "../../../client/errors.ts";
import { errorCode, errorMessage } from "../../../text/error-message.ts";
import type { BackendConfig } from "../../../config.ts";
import { fingerprintKey } from "../../../ledger/scope.ts";
import { ASK_ONCE, NO_RUN } from "../../wiring/reach-backend.ts";
import type { Finding } from "./finding.ts";

/** The user waits at the terminal. */
const ANSWER_MS = 10_000;

export function describeBackend(config: BackendConfig): Finding {
  const check = "Backend";
  switch (config.kind) {
    case "embedded":
      return { check, state: "ok", message: "the built-in engine: no key, no network, free" };
    case "hosted":
      return { check, state: "ok", message: `hosted, ${config.baseUrl}: runs cost money` };
    case "custom":
      return { check, state: "ok", message: `custom, ${config.baseUrl}` };
  }
}

export function describeKey(config: BackendConfig): Finding {
  const check = "Key";
  if (config.kind === "embedded") return { check, state: "ok", message: "not needed" };
  const { apiKey } = config;
  const message =
    apiKey === undefined
      ? "not set"
      : `set in PARALLEL_API_KEY, fingerprint ${fingerprintKey(apiKey)}`;
  return { check, state: "ok", message };
}

/** Reads a run that cannot exist: a backend that accepts the key answers that there is no such run. */
export async function checkReach(
  config: Exclude<BackendConfig, { kind: "embedded" }>,
  version: string,
  signal: AbortSignal,
): Promise<Finding> {
  const { createUndiciFetch } = await import("../../../client/http/undici-fetch.ts");
  const { fetch, close } = createUndiciFetch(config.proxies);
  try {
    const client = createClient({
      baseUrl: config.baseUrl,
      apiKey: config.apiKey,
      userAgent: `task-run-mcp/${version}`,
      fetch,
      retryPolicy: ASK_ONCE,
    });
    await client.retrieveRun(NO_RUN, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    return explainAnswer(undefined, config.apiKey);
  } catch (error) {
    signal.throwIfAborted();
    return explainAnswer(error, config.apiKey);
  } finally {
    await close();
  }
}

/** Node's error codes for untrusted certificates. */
const CERTIFICATE_ERRORS = /^(?:CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT_)/;

/** The code of the innermost error. */
function codeOf(error: unknown): string | null {
  let code: string | null = null;
  for (let at = error; at instanceof Error; at = at.cause) code = errorCode(at) ?? code;
  return code;
}

function explainAnswer(error: unknown, apiKey: string | undefined): Finding {
  const check = "Reach";
  if (error instanceof RunNotFound || error instanceof InvalidRequest) {
    // Every error of a Task API has a message or a reference id; a web server's 404 has neither.
    if (error.upstreamMessage === null && error.refId === null) {
      return {
        check,
        state: "problem",
        message: "the server that answers is not a Task API",
        advice: "Check PARALLEL_BASE_URL: it may be the address of a web page.",
      };
    }
    const message =
      apiKey === undefined
        ? "the backend answers without a key"
        : "the backend answers and accepts the key";
    return { check, state: "ok", message };
  }
  if (error instanceof Unauthorized || error instanceof Forbidden) {
    return {
      check,
      state: "problem",
      message:
        apiKey === undefined
          ? `the backend wants a key (status ${error.status})`
          : `the backend rejects the key (status ${error.status})`,
      advice: "Set PARALLEL_API_KEY to a key of this backend; copy it again, without spaces.",
    };
  }
  if (error instanceof RateLimited) {
    return {
      check,
      state: "warning",
      message: "the backend answers, and asks for fewer requests",
      advice: "Wait a minute; --inputs-per-minute makes creates slower.",
    };
  }
  if (error instanceof BackendUnreachable) {
    const code = codeOf(error);
    if (code !== null && CERTIFICATE_ERRORS.test(code)) {
      return {
        check,
        state: "problem",
        message: `the certificate of the backend is not trusted (${code})`,
        advice:
          "A proxy or firewall may use its own: set NODE_EXTRA_CA_CERTS to a file with its CA certificate (PEM), and start again. See docs/networks.md.",
      };
    }
    return {
      check,
      state: "problem",
      message: error.message,
      advice: "Check the network, a firewall or proxy in between, and PARALLEL_BASE_URL.",
    };
  }
  return {
    check,
    state: "problem",
    message:
      error === undefined ? "the backend returns a run that cannot exist" : errorMessage(error),
    advice: "Check PARALLEL_BASE_URL and the backend.",
  };
}
