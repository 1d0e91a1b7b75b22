// How much memory the machine lends workerd. Only Linux tells.
import {readFile, readdir, writeFile} from 'node:fs/promises';

const read = (path) => readFile(path, 'utf8').catch(() => '');

/** The process ids of the workerds that this process has started. */
export const workerds = async () => {
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const isOurs = async (id) => {
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(await read(`/proc/${id}/stat`)) ?? [];
    return name === 'workerd' && Number(parent) === process.pid;
  };
  const ours = await Promise.all(ids.map(isOurs));
  return ids.filter((_id, index) => ours[index]);
};

const sum = async (field) => {
  const sizes = (await workerds()).map(async (id) => {
    const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(await read(`/proc/${id}/status`)) ?? [];
    return Number(kilobytes ?? 0) * 1024;
  });
  return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
};

/** What is resident now, in bytes. 0 where the machine does not tell. */
export const residentBytes = () => sum('VmRSS');

/** The most that was resident since `forgetPeak`. */
export const peakBytes = () => sum('VmHWM');

export const forgetPeak = async () => {
  for (const id of await workerds()) await writeFile(`/proc/${id}/clear_refs`, '5').catch(() => {});
};
