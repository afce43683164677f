/** A client's configuration file cannot be changed safely: the message says why, and what to do. Nothing was written. */
export class ClientConfigUnusable extends Error {
  override readonly name = "ClientConfigUnusable";
}
