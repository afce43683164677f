import { AsyncLocalStorage } from "node:async_hooks";
import {
  type AuthInfo,
  InMemoryServerEventBus,
  type ServerEventBus,
  isSpecType,
} from "@modelcontextprotocol/server";
import { isJsonObject } from "../../../task-api/task-spec.ts";
import { type Principal, requestFactsOf } from "../../../runtime/request-facts.ts";
import type { ResourceNews } from "./run-update-publisher.ts";

/** The event bus of an HTTP handler, in which each `subscriptions/listen` stream hears of its own caller's runs alone. */
export interface ListenBus extends ServerEventBus {
  /** Serves a request; if it is a `subscriptions/listen`, the stream it opens gets the news its caller may have. */
  whileServing<Answer>(
    request: { body: unknown; authInfo: AuthInfo | undefined },
    serve: () => Promise<Answer>,
  ): Promise<Answer>;
}

/**
 * The SDK's router subscribes to the bus once for each stream, and tells the bus neither who listens nor to what. Events
 * for all would tell one principal of the runs of another; so the request is remembered around the call.
 */
export function createListenBus(news: ResourceNews): ListenBus {
  const forAll = new InMemoryServerEventBus();
  const listening = new AsyncLocalStorage<{ uris: readonly string[]; principal: Principal }>();
  return {
    publish: (event) => forAll.publish(event),

    subscribe(listener) {
      const request = listening.getStore();
      const leave = forAll.subscribe(listener);
      if (request === undefined) return leave;
      const stop = news.follow(request.uris, request.principal, (uri) =>
        listener({ kind: "resource_updated", uri }),
      );
      return () => {
        leave();
        stop();
      };
    },

    async whileServing({ body, authInfo }, serve) {
      // The name first: most requests are none, and to look at them closely takes time.
      if (!isJsonObject(body) || body["method"] !== "subscriptions/listen") return serve();
      if (!isSpecType.SubscriptionsListenRequest(body)) return serve();
      const uris = body.params.notifications.resourceSubscriptions ?? [];
      return listening.run({ uris, principal: requestFactsOf(authInfo).principal }, serve);
    },
  };
}
