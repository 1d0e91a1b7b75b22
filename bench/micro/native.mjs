// Runs `cargo bench` and reads what it prints.
import {execFileSync} from 'node:child_process';

const BENCH = ['bench', '--bench', 'micro'];
const UNITS = {ns: 1, µs: 1e3, ms: 1e6, s: 1e9};

/** Builds what will be run; that takes minutes the first time. */
export const buildNative = () => {
  execFileSync('cargo', [...BENCH, '--no-run'], {stdio: ['ignore', 'inherit', 'inherit']});
};

/** What the work comes to, and the median time of each, in nanoseconds. */
export const runNative = () => {
  const output = execFileSync('cargo', BENCH, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
  const checks = /^checks (.*)$/m.exec(output)[1];
  const medians = {};
  for (const line of output.split('\n')) {
    const [name, , median] = line.split('│').map((column) => column.trim());
    const found = /^[├╰]─ (\w+)/.exec(name);
    if (!found) continue;
    const [number, unit] = median.split(' ');
    medians[found[1]] = Number(number) * UNITS[unit];
  }
  return {checks, medians};
};
