import { Socket } from "node:net";
import { Agent, Dispatcher, Pool, buildConnector } from "undici";
import { type Proxies, type Proxy, ProxyFailed, proxyFor } from "./proxies.ts";
import { errorCode } from "../../text/error-message.ts";

export interface AgentLimits {
  /** Until a connection stands: to the server, to the proxy, and through the proxy. */
  connectMs: number;
  headersTimeout: number;
  bodyTimeout: number;
}

/** An agent that sends requests through the proxies that are configured for them. */
export function createProxiedAgent(proxies: Proxies, limits: AgentLimits): Dispatcher {
  const direct = openDirect(limits);
  if (proxies.http === undefined && proxies.https === undefined) return direct;
  return new ProxiedAgent(proxies, limits, direct);
}

function openDirect({ connectMs, ...options }: AgentLimits): Agent {
  return new Agent({ ...options, connect: { timeout: connectMs } });
}

class ProxiedAgent extends Dispatcher {
  readonly #proxies: Proxies;
  readonly #limits: AgentLimits;
  readonly #direct: Dispatcher;
  readonly #routes = new Map<Proxy, ProxyRoute>();

  constructor(proxies: Proxies, limits: AgentLimits, direct: Dispatcher) {
    super();
    this.#proxies = proxies;
    this.#limits = limits;
    this.#direct = direct;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const url = new URL(options.path, options.origin);
    const proxy = proxyFor(url, this.#proxies);
    if (proxy === undefined) return this.#direct.dispatch(options, handler);
    let route = this.#routes.get(proxy);
    if (route === undefined) {
      route = new ProxyRoute(proxy, this.#limits);
      this.#routes.set(proxy, route);
    }
    return route.dispatch(url, options, handler);
  }

  override close(): Promise<void> {
    return this.#each((agent) => agent.close());
  }

  override destroy(): Promise<void> {
    return this.#each((agent) => agent.destroy());
  }

  async #each(end: (agent: Dispatcher) => Promise<void>): Promise<void> {
    const agents = [...this.#routes.values()].flatMap((route) => route.agents);
    await Promise.all([this.#direct, ...agents].map(end));
  }
}

/** The ways through one proxy: a tunnel to each `https:` server, and `http:` requests that the proxy repeats. */
class ProxyRoute {
  readonly #proxy: Proxy;
  readonly #headers: Record<string, string>;
  /** Connections to the proxy that it answers itself, first of all to CONNECT. */
  readonly #asking: Pool;
  readonly #tunnels: Agent;
  readonly #repeated: Pool;
  readonly #secure: buildConnector.connector;

  constructor(proxy: Proxy, { connectMs, ...options }: AgentLimits) {
    const { url, authorization } = proxy;
    this.#proxy = proxy;
    this.#headers = authorization === undefined ? {} : { "proxy-authorization": authorization };
    const reach = this.#connector(connectMs);
    this.#asking = new Pool(url, { connect: reach, headersTimeout: connectMs });
    this.#repeated = new Pool(url, { ...options, connect: reach });
    this.#secure = buildConnector({ timeout: connectMs });
    this.#tunnels = new Agent({
      ...options,
      connect: (target, callback) => void this.#connect(target, callback),
    });
  }

  get agents(): Dispatcher[] {
    return [this.#asking, this.#tunnels, this.#repeated];
  }

  dispatch(
    url: URL,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    if (url.protocol === "https:") return this.#tunnels.dispatch(options, handler);
    return this.#repeated.dispatch(
      {
        ...options,
        origin: new URL(this.#proxy.url).origin,
        // The absolute form, by which a proxy knows where it is to go (RFC 9112, section 3.2.2).
        path: url.href,
        headers: { host: url.host, ...headersOf(options), ...this.#headers },
      },
      this.#withoutRefusals(url, handler),
    );
  }

  /** Connections to the proxy itself. */
  #connector(timeout: number): buildConnector.connector {
    const { origin, problem } = this.#proxy;
    if (problem !== undefined) {
      return (_target, callback) => callback(new ProxyFailed(`${origin} ${problem}.`), null);
    }
    const connect = buildConnector({ timeout });
    return (target, callback) =>
      connect(target, (...[error, socket]) => {
        if (error === null) callback(null, socket);
        else callback(this.#unreachable(error), null);
      });
  }

  /**
   * Turns the proxy's own error answer into an error; the caller would otherwise take it for an answer of the server.
   */
  #withoutRefusals(url: URL, handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
    // An older handler interface, which only undici's own `fetch` uses.
    if (handler.onRequestStart === undefined) return handler;
    return {
      onRequestStart: (...args) => handler.onRequestStart?.(...args),
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (controller, status, headers, statusMessage) => {
        // No server behind the proxy answers this (RFC 9110, section 15.5.8).
        if (status === 407) controller.abort(this.#refused(url.host, status));
        else handler.onResponseStart?.(controller, status, headers, statusMessage);
      },
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    };
  }

  /** TLS with the server, through a tunnel. */
  async #connect(target: buildConnector.Options, callback: buildConnector.Callback) {
    let httpSocket: Socket;
    try {
      httpSocket = await this.#openTunnel(target);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null);
      return;
    }
    this.#secure({ ...target, httpSocket }, callback);
  }

  async #openTunnel({ hostname, port }: buildConnector.Options): Promise<Socket> {
    const target = `${hostname}:${port || "443"}`;
    let answer: Dispatcher.ConnectData;
    try {
      answer = await this.#asking.connect({
        path: target,
        headers: { host: target, ...this.#headers },
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
    const { socket, statusCode } = answer;
    if (statusCode >= 200 && statusCode < 300 && socket instanceof Socket) return socket;
    socket.on("error", () => {}).destroy();
    throw this.#refused(target, statusCode);
  }

  #unreachable(cause: unknown): ProxyFailed {
    if (cause instanceof ProxyFailed) return cause;
    const code = errorCode(cause) ?? "no connection";
    return new ProxyFailed(`The proxy ${this.#label} cannot be reached (${code}).`, { cause });
  }

  #refused(target: string, status: number): ProxyFailed {
    const { origin, authorization } = this.#proxy;
    switch (status) {
      case 407:
        return new ProxyFailed(
          authorization === undefined
            ? `The proxy ${this.#label} wants a user name and a password (407): write them into ${origin}, as http://user:password@host:port.`
            : `The proxy ${this.#label} refuses the user name or the password in ${origin} (407).`,
        );
      case 403:
        return new ProxyFailed(
          `The proxy ${this.#label} does not let requests through to ${target} (403): ask who runs it to allow that host, or name it in NO_PROXY to go there directly.`,
        );
      default:
        return new ProxyFailed(
          `The proxy ${this.#label} opens no connection to ${target} (${status}).`,
        );
    }
  }

  get #label(): string {
    return `${this.#proxy.url} (${this.#proxy.origin})`;
  }
}

function headersOf({ headers }: Dispatcher.DispatchOptions): Record<string, string> {
  if (headers === undefined || headers === null) return {};
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().join(", ")]],
    ),
  );
}
