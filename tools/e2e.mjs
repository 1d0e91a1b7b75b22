// Runs the end-to-end tests, one file at a time, and leaves no workerd behind, whatever became of them.
import {spawn} from 'node:child_process';
import {existsSync, globSync} from 'node:fs';
import olderWorkerd from 'workerd-2026-07';

// For what hangs, not for what is slow. The second is for a file whose tests have ended while something keeps it running.
const minutesForOneTest = 10;
const minutesForAll = 60;

/** Where rooms let others in between the messages of one client, which is not the same work in each workerd. */
const onBoth = ['backpressure', 'crowd', 'pause', 'size', 'slow-readers'].map((name) => `tests/e2e/${name}.test.mjs`);

const missing = onBoth.filter((file) => !existsSync(file));
if (missing.length > 0) throw new Error(`${missing} are to run on both, and are not there`);

const files = process.argv.length > 2 ? process.argv.slice(2) : globSync('tests/e2e/*.test.mjs').sort();
if (files.length === 0) {
  console.error('There are no end-to-end tests in tests/e2e.');
  process.exit(1);
}

const runs = [
  {workerd: 'the newest workerd', files},
  {workerd: 'workerd of July 2026', environment: {MINIFLARE_WORKERD_PATH: olderWorkerd.default}, files: files.filter((file) => onBoth.includes(file))},
].filter(({files}) => files.length > 0);

let runner;
const endTheGroup = () => {
  try {
    process.kill(-runner.pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: the tests have cleaned up after themselves.
    if (error.code !== 'ESRCH') throw error;
  }
};

/** Answers the exit code. */
const run = ({workerd, environment, files}) => {
  console.log(`On ${workerd}:`);
  const options = ['--test-concurrency=1', '--test-reporter=spec', `--test-timeout=${minutesForOneTest * 60_000}`];
  runner = spawn(process.execPath, ['--test', ...options, ...files], {
    // A process group of its own: everything that the tests start belongs to it, and can be ended with it.
    detached: true,
    env: {...process.env, ...environment},
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve) => {
    runner.on('exit', (code) => {
      endTheGroup();
      resolve(code ?? 1);
    });
  });
};

const deadline = setTimeout(() => {
  console.error(`The end-to-end tests were still running after ${minutesForAll} minutes.`);
  endTheGroup();
}, minutesForAll * 60_000);
let isOver = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    isOver = true;
    endTheGroup();
  });
}

const codes = [];
for (const each of runs) if (!isOver) codes.push(await run(each));
clearTimeout(deadline);
process.exitCode = isOver ? 1 : Math.max(...codes);
