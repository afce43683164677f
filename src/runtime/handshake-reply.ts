/** The reply to a message that a client sends before the whole server is loaded. */
export type HandshakeReply =
  /** Opens the connection. The whole server must read the message too, to know its client. */
  | { kind: "initialize"; id: string | number; result: object }
  /** Needs no answer. The whole server must read it too. */
  | { kind: "notification" }
  /** The answer that a host waits for before the user can type. */
  | { kind: "list"; id: string | number; result: object }
  /** The whole server must answer it. */
  | { kind: "unhandled" };
