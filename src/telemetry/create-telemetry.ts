import type { Agent } from "node:http";
import { DiagLogLevel, type DiagLogger, diag } from "@opentelemetry/api";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";
import { cutText } from "../text/cut-text.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Telemetry } from "./telemetry.ts";
import { createTraceFetch } from "./trace-fetch.ts";
import { createTraceRequest } from "./trace-requests.ts";

/** The format in which spans are sent over HTTP. */
export type OtlpForm = "json" | "protobuf";

/**
 * Spans to an OpenTelemetry collector. Where it is, how much is sampled, how batches are cut: the libraries read the
 * standard variables themselves. A collector that cannot be reached costs one line in the log, and the spans.
 */
export async function createTelemetry({
  form,
  agent,
  version,
  log,
}: {
  form: OtlpForm;
  /** What connects to the collector, if not the libraries themselves. */
  agent: Agent | undefined;
  version: string;
  log: Logger;
}): Promise<Telemetry> {
  diag.setLogger(warnOnce(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": "task-run-mcp", "service.version": version }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(await createExporter(form, agent))],
  });
  const tracer = provider.getTracer("task-run-mcp", version);
  return {
    traceRequest: createTraceRequest(tracer),
    traceFetch: createTraceFetch(tracer),
    async close(ms) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(resolve, ms, false);
      });
      const sent = provider.shutdown().then(
        () => true,
        (error: unknown) => {
          diag.warn(errorMessage(error));
          return false;
        },
      );
      const isSent = await Promise.race([sent, late]);
      clearTimeout(timer);
      if (!isSent) diag.warn("The last spans could not be sent before the end.");
      return isSent;
    },
  };
}

async function createExporter(form: OtlpForm, agent: Agent | undefined): Promise<SpanExporter> {
  const options = agent === undefined ? {} : { httpAgentOptions: () => agent };
  switch (form) {
    case "json": {
      const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
      return new OTLPTraceExporter(options);
    }
    case "protobuf": {
      const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
      return new OTLPTraceExporter(options);
    }
  }
}

/** A message of the libraries may be long: it repeats errors with their stacks, and what a collector answered. */
const MESSAGE_CHARS = 300;

/** Only the first problem is logged: it would come with every batch. */
function warnOnce(log: Logger): DiagLogger {
  let isLogged = false;
  const tell = (message: string) => {
    if (!isLogged) log.warn({ reason: cutText(message, MESSAGE_CHARS) }, "traces are not complete");
    isLogged = true;
  };
  return { error: tell, warn: tell, info() {}, debug() {}, verbose() {} };
}
