// Serves the Worker on this machine through `wrangler dev`, and says what to open once it answers.
import {spawn} from 'node:child_process';
import {createInterface} from 'node:readline';

const storage = '.wrangler/state';
const port = process.argv[2];

const announce = (address) => {
  const room = new URL('/todo/42', address);
  console.log(`
Tinyroom is up, and its rooms are kept in ${storage}. Every path is a room. To see what is stored in one, open
  ${room}
To sync a TinyBase store with it, connect a WebSocket to
  ${Object.assign(new URL(room), {protocol: 'ws:'})}
Changes under src/ are built and served at once. Ctrl-C stops it.
`);
};

const wrangler = spawn('wrangler', ['dev', '--port', port, '--persist-to', storage], {
  stdio: ['ignore', 'pipe', 'inherit'],
});

let announced = false;
createInterface({input: wrangler.stdout}).on('line', (line) => {
  console.log(line);
  const [, address] = line.match(/Ready on (\S+)/) ?? [];
  if (address !== undefined && !announced) {
    announced = true;
    announce(address);
  }
});

// Ctrl-C reaches wrangler by itself; this process only has to outlive it.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => wrangler.kill(signal));
wrangler.on('exit', (code, signal) => {
  process.exitCode = signal === null ? code : 1;
});
