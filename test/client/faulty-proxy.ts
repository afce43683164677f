import { type IncomingMessage, type ServerResponse, request as sendRequest } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { startLoopbackServer } from "./loopback-server.ts";

/**
 * What can go wrong with one exchange. `before`: the target never hears of the request. `after`: it has answered (a
 * create is accepted), and the caller does not learn it. `midway`: the answer begins, and does not end.
 */
export const FAULTS = [
  "drop-before",
  "drop-after",
  "drop-midway",
  "503-before",
  "503-after",
  "stall-before",
  "stall-after",
  "stall-midway",
  /** The answer is held back, headers and all, until it has ended. */
  "buffer",
  /** The headers pass; the body is held back until it has ended. */
  "buffer-body",
  /** Around each piece of an event stream: broken frames, frames of no kind, bytes that are no text. */
  "garbage",
  /** Before each piece of an event stream: well-formed events that no documentation names. */
  "unknown-events",
] as const;
export type Fault = (typeof FAULTS)[number];

export interface ProxiedRequest {
  method: string;
  /** With its query. */
  path: string;
  fault: Fault | null;
}

/** Chooses the fault of a request, or null to pass it on. */
export type ChooseFault = (request: Omit<ProxiedRequest, "fault">) => Fault | null;

export interface FaultyProxy {
  url: string;
  /** Every request so far, with what was done to it. */
  requests: readonly ProxiedRequest[];
  /** Resets the connections of the exchanges under way that `isMeant` picks by their path. */
  reset(isMeant: (path: string) => boolean): void;
}

/** Faults that hit a share of all requests (0 to 1 each); the same seed draws the same series. */
export function faultyShare(seed: number, shares: Partial<Record<Fault, number>>): ChooseFault {
  const random = createRandom(seed);
  return () => {
    let draw = random();
    for (const fault of FAULTS) {
      draw -= shares[fault] ?? 0;
      if (draw < 0) return fault;
    }
    return null;
  };
}

/** The real backend (its base URL, or its handler) behind a proxy that is faulty; closed when the test ends. */
export async function startFaultyProxy({
  target,
  faults,
}: {
  target: string | ((request: Request) => Promise<Response>);
  faults: ChooseFault;
}): Promise<FaultyProxy> {
  const targetUrl = typeof target === "string" ? target : await listen(target);
  const requests: ProxiedRequest[] = [];
  const underWay = new Map<ServerResponse, string>();
  const { url } = await startLoopbackServer((request, response) => {
    const { method = "", url: path = "" } = request;
    const fault = faults({ method, path });
    requests.push({ method, path, fault });
    underWay.set(response, path);
    response.once("close", () => underWay.delete(response));
    pass(request, response, targetUrl, fault);
  });
  return {
    url,
    requests,
    reset(isMeant) {
      for (const [response, path] of underWay) {
        if (isMeant(path)) response.socket?.resetAndDestroy();
      }
    },
  };
}

async function listen(handler: (request: Request) => Promise<Response>): Promise<string> {
  const serve = getRequestListener(handler, { overrideGlobalObjects: false });
  return (await startLoopbackServer((request, response) => void serve(request, response))).url;
}

function pass(
  request: IncomingMessage,
  response: ServerResponse,
  targetUrl: string,
  fault: Fault | null,
): void {
  const drop = () => void response.socket?.resetAndDestroy();
  const refuse = () => void response.writeHead(503, { "content-type": "text/html" }).end("<html>");
  if (fault === "drop-before") {
    // Read to its end: the caller has sent everything, and cannot know whether it was heard.
    request.resume().once("end", drop);
    return;
  }
  if (fault === "503-before") {
    request.resume().once("end", refuse);
    return;
  }
  if (fault === "stall-before") {
    request.resume();
    return;
  }
  const { connection: _hop, ...headers } = request.headers;
  // A connection of its own for each: one that the target closes at the wrong moment would be a fault nobody chose.
  const forwarded = sendRequest(`${targetUrl}${request.url ?? ""}`, {
    method: request.method,
    headers,
    agent: false,
  });
  forwarded.once("error", drop);
  response.once("close", () => forwarded.destroy());
  forwarded.once("response", (answer: IncomingMessage) => {
    switch (fault) {
      case "drop-after":
        drop();
        return;
      case "503-after":
        answer.resume();
        refuse();
        return;
      case "stall-after":
        answer.resume();
        return;
      default:
        void answerWith(answer, response, fault).catch(drop);
    }
  });
  request.pipe(forwarded);
}

async function answerWith(
  answer: IncomingMessage,
  response: ServerResponse,
  fault: Fault | null,
): Promise<void> {
  const {
    connection: _hop,
    "transfer-encoding": _encoding,
    "content-length": length,
    ...headers
  } = answer.headers;
  const isStream = headers["content-type"]?.startsWith("text/event-stream") ?? false;
  const begin = () => {
    response.writeHead(answer.statusCode ?? 502, {
      ...headers,
      // A body that is cut must look cut.
      ...(length !== undefined && { "content-length": length }),
    });
    response.flushHeaders();
  };
  if (fault !== "buffer") begin();
  const held: Buffer[] = [];
  const pieces: AsyncIterable<Buffer> = answer;
  for await (const piece of pieces) {
    switch (fault) {
      case "buffer":
      case "buffer-body":
        held.push(piece);
        break;
      case "drop-midway":
      case "stall-midway":
        response.write(isStream ? piece : piece.subarray(0, piece.length / 2), () => {
          if (fault === "drop-midway") response.socket?.resetAndDestroy();
        });
        return;
      case "garbage":
        if (isStream) response.write(GARBAGE);
        response.write(piece);
        break;
      case "unknown-events":
        if (isStream) response.write(UNKNOWN_EVENTS);
        response.write(piece);
        break;
      default:
        response.write(piece);
    }
  }
  if (fault === "buffer") begin();
  response.end(Buffer.concat(held));
}

const GARBAGE = Buffer.concat([
  Buffer.from('data: {"type":"task_run.state","run":{"run_id":\n\n'),
  Buffer.from('data: {"type":"task_run.state","run":{"status":"failed","is_active":false}}\n\n'),
  Buffer.from('data: {"type":"task_group_status","status":{"is_active":false}}\n\n'),
  Buffer.from("data: null\n\ndata:\n\nevent: error\n\n<html>503</html>\n\ndata: "),
  Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]),
  Buffer.from("\n\n"),
]);

const UNKNOWN_EVENTS = [
  { type: "task_run.celebration", run: { status: "completed", is_active: false } },
  { type: "task_group.celebration", status: { is_active: false } },
  { type: "ping" },
]
  .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  .join("");

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
