import type { IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { startLoopbackServer } from "../client/loopback-server.ts";

const Value = z.object({
  stringValue: z.string().optional(),
  intValue: z.coerce.string().optional(),
});
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform((list) =>
    Object.fromEntries(
      list.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? ""]),
    ),
  );

const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().default(""),
  name: z.string(),
  kind: z.number(),
  attributes: Attributes,
  status: z.object({ code: z.number().default(0), message: z.string().optional() }),
});
export type Span = z.infer<typeof Span>;

/** OTLP 1, `ExportTraceServiceRequest` as JSON. */
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(Span) })),
    }),
  ),
});

export const SERVER = 2;
export const CLIENT = 3;

export interface Collector {
  url: string;
  /** What arrived, as it was sent. */
  exports: { path: string; headers: IncomingHttpHeaders; body: string }[];
  spans(): Span[];
  resource(): Record<string, string>;
}

/** An OpenTelemetry collector on a real socket; with null for a status it takes everything in and says nothing. */
export async function startCollector(status: number | null = 200): Promise<Collector> {
  const exports: Collector["exports"] = [];
  const { url } = await startLoopbackServer((request, response) => {
    void text(request).then((body) => {
      exports.push({ path: request.url ?? "", headers: request.headers, body });
      if (status === null) return;
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  });
  const read = () => exports.flatMap(({ body }) => Export.parse(JSON.parse(body)).resourceSpans);
  return {
    url,
    exports,
    spans: () => read().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    resource: () => Object.assign({}, ...read().map(({ resource }) => resource.attributes)),
  };
}
