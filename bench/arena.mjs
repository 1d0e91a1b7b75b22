// Contenders side by side: one after the other in each round, in another order each time.
import {contenders, start} from './contenders.mjs';
import {median} from './statistics.mjs';

/** What a run is like, and how it tells where it is. */
export const createArena = ({quick, report}) => {
  const failures = [];

  /**
   * Runs some rounds and answers what was measured, a list for each contender. `prepare` is called once for each
   * contender, with its server, which `options` are for. One that fails is left out from there on.
   */
  const rounds = async (label, {names, count, options, prepare = () => {}, measure}) => {
    const running = new Map();
    const results = Object.fromEntries(names.map((name) => [name, []]));
    const attempt = async (name, doing, action) => {
      report(`${label}: ${contenders[name].title}, ${doing}`);
      try {
        return await action();
      } catch (error) {
        if (name === 'tinyroom') throw error;
        failures.push(`${label}: ${contenders[name].title}: ${error.message}`);
        await running.get(name)?.server.stop();
        running.delete(name);
        results[name] = [];
      }
    };
    try {
      for (const name of names) {
        await attempt(name, 'getting ready', async () => {
          const server = await start(name, options);
          running.set(name, {server});
          running.set(name, {server, prepared: await prepare(server)});
        });
      }
      for (let round = 1; round <= count; round++) {
        const order = [...running.keys()];
        for (const name of round % 2 ? order : order.reverse()) {
          const {server, prepared} = running.get(name);
          await attempt(name, `round ${round} of ${count}`, async () => {
            results[name].push(await measure(server, prepared));
          });
        }
      }
    } finally {
      for (const {server, prepared} of running.values()) {
        prepared?.end?.();
        await server.stop();
      }
    }
    return results;
  };

  return {quick, report, failures, rounds};
};

/** The median of what `pick` finds in the rounds of each contender that has any. */
export const medians = (results, pick = (result) => result) =>
  Object.fromEntries(
    Object.entries(results)
      .filter(([, rounds]) => rounds.length > 0)
      .map(([name, rounds]) => [name, median(rounds.map(pick))]),
  );
