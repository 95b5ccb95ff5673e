/* Trying again what failed for now: bounded in number and in time, each time later, as late as the server asks. */
const RETRY_TRIES = 5;
const CONFIG_TRIES = 3; // an unknown website looks like a broken network: the browser hides the refusal
const RETRY_WINDOW = 60_000;
const LONGEST_HELP = 300_000; // a minute's wait and a minute's answer, cut now and then
const SHORT_WAIT = 10_000; // longer than this nobody should look at three dots

/* Repeats `attempt` while its error is temporary: a few times, within a minute; both begin anew where the line was cut
   after `progress()` had changed, for some minutes at most. A turn of this session that runs elsewhere is waited for as
   long as the minute lasts. */
async function withRetries(attempt, { signal, tries: most = RETRY_TRIES, progress = () => null } = {}) {
  const end = performance.now() + LONGEST_HELP;
  let [deadline, failures, tries, known] = [performance.now() + RETRY_WINDOW, 0, 0, progress()];
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const hasHeardMore = error.code === "network" && progress() !== known;
      if (hasHeardMore) [deadline, failures, tries] = [performance.now() + RETRY_WINDOW, 0, 0];
      known = progress();
      if (error.code !== "turn_in_progress") failures += 1;
      const wait = pauseBefore((tries += 1), error.retryAfter);
      if (!error.isTemporary || failures >= most || isTooFast(error, failures)) throw error;
      if (performance.now() + wait > Math.min(deadline, end)) throw error;
      await pause(wait, signal);
    }
  }
}

/* A visitor who writes too fast is helped once, and told when that does not do. */
function isTooFast(error, failures) {
  return error.code === "rate_limited" && (failures > 1 || error.retryAfter > SHORT_WAIT);
}

/* Doubling from half a second to 8 s, half of it by chance, so that a thousand browsers do not come back at once. */
function pauseBefore(tries, retryAfter) {
  const backoff = Math.min(8_000, 500 * 2 ** (tries - 1));
  return (retryAfter || 0) + backoff * (0.5 + Math.random() / 2);
}

/* Resolves after `milliseconds`, or as soon as the browser is online again. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
    signal?.addEventListener("abort", end, { once: true });
  });
}
