// Reading again what has changed: never twice at a time, and not more often than is of use.

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 4_000;

/**
 * Makes a function that asks for a run, and is resolved when a run that began after it was asked for has succeeded. All
 * who ask before it begins share it. A run that fails is repeated until it succeeds, or until `signal`.
 * @param {() => Promise<void>} run
 * @param {{intervalMs: number, signal?: AbortSignal}} options So long after a run the next one begins, unless somebody
 *   waits for it.
 */
export function coalesced(run, { intervalMs, signal }) {
  /** @typedef {PromiseWithResolvers<void> & {isUrgent: boolean}} Asked */
  const queue = /** @type {{next: Asked | null}} */ ({ next: null });
  let isRunning = false;
  let failures = 0;
  let endedAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function plan() {
    if (queue.next === null || isRunning) return;
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
    const waitMs = failures > 0 ? retryMs : queue.next.isUrgent ? 0 : intervalMs;
    clearTimeout(timer);
    timer = setTimeout(start, Math.max(0, endedAt + waitMs - performance.now()));
  }

  function takeNext() {
    const asked = queue.next;
    queue.next = null;
    return asked;
  }

  async function start() {
    if (signal?.aborted) return;
    const asked = takeNext();
    if (asked === null) return;
    isRunning = true;
    try {
      await run();
      failures = 0;
      asked.resolve();
    } catch {
      failures++;
      // Who has asked meanwhile is content with the repeated run.
      const later = takeNext();
      if (later) void asked.promise.then(later.resolve);
      queue.next = asked;
    }
    isRunning = false;
    endedAt = performance.now();
    plan();
  }

  /** @param {{isUrgent?: boolean}} [options] Urgent if somebody waits for it. */
  return ({ isUrgent = false } = {}) => {
    /** @type {PromiseWithResolvers<void>} */
    const resolvers = Promise.withResolvers();
    queue.next ??= { ...resolvers, isUrgent: false };
    queue.next.isUrgent ||= isUrgent;
    const { promise } = queue.next;
    plan();
    return promise;
  };
}
