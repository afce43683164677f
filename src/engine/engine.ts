import type { Logger } from "pino";
import { type Database, openDatabase } from "../database/open-database.ts";
import { type Clock, systemClock } from "./clock.ts";
import { startWorker } from "./dispatch/worker.ts";
import type { Executor } from "./executors/executor.ts";
import { createTaskApi } from "./http-api/app.ts";
import { createChangeFeed } from "./runs/change-feed.ts";
import { readConversation } from "./runs/read-runs.ts";
import { createRunStateMachine } from "./runs/run-state-machine.ts";
import { type Tenants, singleTenant } from "./tenants/tenants.ts";

export interface EngineOptions {
  /** The SQLite file; several engines may share it. `:memory:` for one that ends with the process. */
  databasePath: string;
  createExecutor(context: { db: Database; log: Logger }): Executor | Promise<Executor>;
  /** Who may call; by default everybody, as one tenant. */
  tenants?: Tenants;
  /** How many runs this process performs at once. */
  concurrency?: number;
  log: Logger;
  clock?: Clock;
}

/** A Task API of its own: the HTTP API, the store behind it, and a worker that performs the runs. */
export interface Engine {
  /** Answers one HTTP request; needs no port. */
  fetch(request: Request): Promise<Response>;
  /** Stops the worker (unfinished runs go back to the queue) and closes the database. */
  close(): Promise<void>;
}

/** Runs here mostly wait (for files, later for networks), so a few at once keep one core busy. */
const DEFAULT_CONCURRENCY = 4;

/** Throws `DatabaseUnusable`, and whatever the executor throws when it cannot start. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { log, clock = systemClock } = options;
  const db = await openDatabase(options.databasePath);
  try {
    const executor = await options.createExecutor({ db, log });
    const feed = await createChangeFeed(db, log);
    const runs = createRunStateMachine({ db, clock, feed });
    const app = createTaskApi({
      db,
      feed,
      runs,
      executorKey: executor.key,
      tenants: options.tenants ?? singleTenant(undefined),
      clock,
      log,
    });
    const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
    const worker = startWorker({
      runs,
      feed,
      executor,
      readPrevious: ({ tenantId, input }) =>
        readConversation(db, tenantId, input.previous_interaction_id),
      concurrency,
      clock,
      log,
    });
    return {
      fetch: async (request) => app.fetch(request),
      async close() {
        await worker.stop();
        feed.close();
        await db.destroy();
      },
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}
