// Bad inputs of every kind against the built Worker, while good clients work in the same rooms.
//
//     node tests/hostile/run.mjs [inputs] [seed]
//
// The same seed makes the same inputs, but for what hangs on the time of day, on keys and on the room's own questions.
import {cleanUp} from '../e2e/support/cleanup.mjs';
import {describe} from './report.mjs';
import {besiege} from './siege.mjs';

const inputs = Number(process.argv[2] || 100_000);
const seed = process.argv[3] || String(Math.floor(Math.random() * 1e9));

console.log(`${inputs} inputs, with seed ${seed}`);
const began = Date.now();
const tell = (what) => console.error(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${what}`);
let code = 1;
try {
  const result = await besiege({inputs, seed, tell});
  console.log(describe(result));
  code = result.breaches.length > 0 ? 1 : 0;
} catch (error) {
  console.error(`Failed (SEED=${seed}): ${error.stack}`);
}
await cleanUp();
// Sockets that are left would keep the process alive.
process.exit(code);
