// Runs the end-to-end tests, one file at a time, and leaves no workerd behind, whatever became of them.
import {spawn} from 'node:child_process';
import {globSync} from 'node:fs';

// For what hangs, not for what is slow. The second is for a file whose tests have ended while something keeps it running.
const minutesForOneTest = 5;
const minutesForAll = 20;

const files = process.argv.length > 2 ? process.argv.slice(2) : globSync('tests/e2e/*.test.mjs').sort();
if (files.length === 0) {
  console.error('There are no end-to-end tests in tests/e2e.');
  process.exit(1);
}

const runner = spawn(
  process.execPath,
  ['--test', '--test-concurrency=1', '--test-reporter=spec', `--test-timeout=${minutesForOneTest * 60_000}`, ...files],
  // A process group of its own: everything that the tests start belongs to it, and can be ended with it.
  {detached: true, stdio: ['ignore', 'inherit', 'inherit']},
);

const endTheGroup = () => {
  try {
    process.kill(-runner.pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: the tests have cleaned up after themselves.
    if (error.code !== 'ESRCH') throw error;
  }
};

const deadline = setTimeout(() => {
  console.error(`The end-to-end tests were still running after ${minutesForAll} minutes.`);
  endTheGroup();
}, minutesForAll * 60_000);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, endTheGroup);
runner.on('exit', (code) => {
  clearTimeout(deadline);
  endTheGroup();
  process.exitCode = code ?? 1;
});
