import { SpanKind, type Tracer, trace } from "@opentelemetry/api";
import type { Fetch } from "../client/http/fetch.ts";
import { currentContext, errorType, headersOf, markFailed } from "./span-context.ts";

/**
 * A client span for each request of a traced piece of work, until the answer's headers are there; its `traceparent` goes
 * with the request. Source: OpenTelemetry semantic conventions, "HTTP client". `url.full` is left out: it has ids in it.
 */
export function createTraceFetch(tracer: Tracer): (fetch: Fetch) => Fetch {
  return (fetch) => async (url, init) => {
    const parent = currentContext.getStore();
    if (parent === undefined) return fetch(url, init);
    const { protocol, hostname, port, pathname } = new URL(url);
    const template = pathTemplate(pathname);
    const span = tracer.startSpan(
      `${init.method} ${template}`,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          "http.request.method": init.method,
          "url.template": template,
          "server.address": hostname,
          "server.port": Number(port) || (protocol === "https:" ? 443 : 80),
        },
      },
      parent,
    );
    try {
      const headers = { ...init.headers, ...headersOf(trace.setSpan(parent, span)) };
      const response = await fetch(url, { ...init, headers });
      span.setAttribute("http.response.status_code", response.status);
      if (response.status >= 400) markFailed(span, String(response.status));
      return response;
    } catch (error) {
      markFailed(span, errorType(error));
      throw error;
    } finally {
      span.end();
    }
  };
}

const ID_NAMES: Readonly<Record<string, string>> = { runs: "{run_id}", groups: "{taskgroup_id}" };

/** The path as the API's reference spells it: without ids, and without what a base URL has before it. */
function pathTemplate(pathname: string): string {
  return pathname
    .replace(/^.*?(?=\/v\d)/, "")
    .replaceAll(/(?<=\/(runs|groups)\/)[^/]+/g, (_id, kind: string) => ID_NAMES[kind] ?? "{id}");
}
