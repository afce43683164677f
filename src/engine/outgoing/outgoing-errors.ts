/**
 * Why an outgoing request failed. Messages name the host but not the rest of the URL, whose path or query may be a
 * secret, and never contain header values or bodies. They are written for the run's owner, who gave the address.
 */
export abstract class OutgoingRequestError extends Error {
  /** The requested host; empty if there was none. */
  readonly host: string;

  constructor(host: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.host = host;
  }
}

/** The request itself is wrong: not a URL, another scheme, credentials in the URL, a header that cannot be sent. */
export class RequestInvalid extends OutgoingRequestError {
  override readonly name = "RequestInvalid";
}

/**
 * The engine does not connect to this address. `address` is for the log only, because it may reveal an internal
 * network.
 */
export class AddressRefused extends OutgoingRequestError {
  override readonly name = "AddressRefused";
  readonly address: string;
  readonly reason: string;

  constructor(host: string, address: string, reason: string) {
    super(
      host,
      `The engine does not connect to ${host}: ${reason}. The engine's operator can allow its network by CIDR (--allow-networks).`,
    );
    this.address = address;
    this.reason = reason;
  }
}

/** No connection, no DNS entry, or the connection broke. */
export class HostUnreachable extends OutgoingRequestError {
  override readonly name = "HostUnreachable";
}

export class RequestTimedOut extends OutgoingRequestError {
  override readonly name = "RequestTimedOut";

  constructor(host: string, timeoutMs: number) {
    super(host, `${host} did not answer completely within ${timeoutMs / 1_000} s`);
  }
}

/** More bytes than the caller reads, before or after decompression. */
export class ResponseTooLarge extends OutgoingRequestError {
  override readonly name = "ResponseTooLarge";

  constructor(host: string, maxBytes: number) {
    super(host, `The answer of ${host} is larger than ${maxBytes} bytes`);
  }
}

export class TooManyRedirects extends OutgoingRequestError {
  override readonly name = "TooManyRedirects";

  constructor(host: string, redirects: number) {
    super(host, `${host} redirected more than ${redirects} times`);
  }
}

/** The guarded fetch was closed: the process is about to end. */
export class OutgoingClosed extends Error {
  override readonly name = "OutgoingClosed";

  constructor() {
    super("The engine is shutting down and makes no more requests");
  }
}
