// `make costs`: what typical apps cost a month on Cloudflare, with Tinyroom and with TinyBase's own server.
//
//     node bench/costs.mjs [app…]
//
// The tables of docs/costs.md are written by a run of all apps.
import {apps} from './costs/apps.mjs';
import {keep, pages} from './costs/report.mjs';
import {servers} from './costs/servers.mjs';
import {createStage} from './costs/stage.mjs';
import {start} from './contenders.mjs';

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in apps));
if (unknown.length > 0) {
  console.error(`No such app: ${unknown.join(', ')}. There are: ${Object.keys(apps).join(', ')}.`);
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const begin = performance.now();
const report = (text) =>
  console.error(`${new Date(performance.now() - begin).toISOString().slice(14, 19)}  ${text}`);

/** Plays an app on a server, and answers what is billed of each of its parts. */
const play = async ({title, prepare, parts}, server) => {
  const {title: whose, contender, settings} = servers[server];
  const running = await start(contender, {counts: true, settings});
  try {
    const stage = createStage(running);
    const state = await prepare(stage);
    const counted = [];
    for (const part of parts) {
      report(`${title}: ${whose}, ${part.what}`);
      let tookSeconds;
      const {awakeMs, ...counts} = await stage.billedFor(async () => (tookSeconds = await part.play(stage, state)));
      counted.push({...counts, awakeSeconds: awakeMs / 1000, tookSeconds});
    }
    return counted;
  } finally {
    await running.stop();
  }
};

const results = {};
for (const name of Object.keys(apps).filter((name) => chosen.length === 0 || chosen.includes(name))) {
  const app = apps[name];
  const counted = {};
  const playOn = async (server) => (counted[server] = await play(app, server));
  if (app.isPaced) for (const server of Object.keys(servers)) await playOn(server);
  else await Promise.all(Object.keys(servers).map(playOn));
  results[name] = Object.fromEntries(Object.keys(servers).map((server) => [server, counted[server]]));
}
report('done');

if (chosen.length > 0) {
  for (const page of Object.values(pages(results))) console.log(`${page}\n`);
  console.log('A part of it: not kept.');
} else {
  await keep(results, (performance.now() - begin) / 1000);
}
process.exit();
