import {
  type McpServer,
  ResourceNotFoundError,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Logger } from "pino";
import { toProtocolError } from "../protocol-error.ts";
import type { CatalogBackend } from "../../tool.ts";
import type { CallContext } from "../../runs/call-context.ts";
import type { TraceWork } from "../../calls/trace-request.ts";
import { RESOURCE_TEMPLATES, listResources } from "./list-resources.ts";
import { readResource } from "./read-resource.ts";
import { PROCESSORS_URI, readRunUri } from "../../report/resource-uri.ts";

export interface ResourceServices {
  /** What reading for this request takes. */
  contextOf(request: ServerContext): CallContext;
  trace: TraceWork;
  catalogBackend: CatalogBackend | undefined;
  /** Follows what a client subscribes to; null where nothing could reach it between its requests. */
  follow: ((uri: string, publish: (uri: string) => void) => () => void) | null;
  log: Logger;
}

/** A client of one connection subscribes to what its user looks at; this many are a defect of the client. */
const MAX_SUBSCRIPTIONS = 1_000;

/** Answers `resources/list`, `resources/templates/list` and `resources/read`; and subscriptions, over connections. */
export function serveResources(
  { server }: McpServer,
  { contextOf, trace, catalogBackend, follow, log }: ResourceServices,
): void {
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: RESOURCE_TEMPLATES,
  }));
  server.setRequestHandler("resources/list", async (_request, context) => {
    try {
      return { resources: await listResources((await contextOf(context).open()).backend) };
    } catch (error) {
      throw toProtocolError(error, null, log);
    }
  });
  server.setRequestHandler("resources/read", async ({ params: { uri } }, context) => {
    try {
      return await trace(context, () => readResource(uri, contextOf(context), catalogBackend));
    } catch (error) {
      throw toProtocolError(error, readRunUri(uri)?.runId ?? null, log);
    }
  });
  if (follow === null) return;

  const subscriptions = new Map<string, () => void>();
  const end = (uri: string) => {
    subscriptions.get(uri)?.();
    subscriptions.delete(uri);
  };
  const tell = (uri: string) => {
    server.sendResourceUpdated({ uri }).catch((error: unknown) => {
      log.debug({ err: error }, "news of a resource could not be sent");
    });
  };
  server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
    if (uri !== PROCESSORS_URI && readRunUri(uri) === null) throw new ResourceNotFoundError(uri);
    end(uri);
    if (subscriptions.size >= MAX_SUBSCRIPTIONS) {
      throw new ResourceNotFoundError(uri, "There are too many subscriptions; end one first.");
    }
    subscriptions.set(uri, follow(uri, tell));
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
    end(uri);
    return {};
  });
  // The SDK's servers have no other way to tell of their end.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  server.onclose = () => {
    for (const uri of subscriptions.keys()) end(uri);
  };
}
