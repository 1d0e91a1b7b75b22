// What workerd takes of the machine's processor. Only Linux tells.
import {readFile} from 'node:fs/promises';
import {workerds} from '../../tests/e2e/support/memory.mjs';

/** The kernel's unit, for all architectures that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The processor time of all workerds that this process has started, in milliseconds. */
const processorMs = async () => {
  const ticks = (await workerds()).map(async (id) => {
    const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '');
    // The name may have spaces and brackets in it. Behind it the 12th and the 13th are user's and system's time.
    const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
    return user + system;
  });
  return ((await Promise.all(ticks)).reduce((sum, some) => sum + some, 0) * 1000) / TICKS_PER_SECOND;
};

/** What they take while something is done, in milliseconds; `NaN` where the machine does not tell. */
export const processorTimeOf = async (action) => {
  const before = await processorMs();
  await action();
  return process.platform === 'linux' ? (await processorMs()) - before : NaN;
};
