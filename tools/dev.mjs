// Serves the Worker on this machine through `wrangler dev`, and says what to open once it answers.
import {spawn} from 'node:child_process';
import {existsSync, writeFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {SECRETS_FILE, firstSecret, newSecret, newToken} from './tokens.mjs';

const storage = '.wrangler/state';
const port = process.argv[2];

/** A day, in seconds. */
const DAY_S = 86_400;

// So that tokens can be tried, and an administrator's be told. It stays on this machine.
if (!existsSync(SECRETS_FILE)) writeFileSync(SECRETS_FILE, `TOKEN_SECRETS="${newSecret()}"\n`, {mode: 0o600});

const adminsToken = () => {
  const secret = firstSecret();
  return secret === undefined
    ? ''
    : `For what an administrator may do, a token for today, made with the secret in ${SECRETS_FILE}
  ${newToken({sub: 'admin', rooms: {'*': 'admin'}}, DAY_S, secret)}
`;
};

const announce = (address) => {
  const room = new URL('/todo/42', address);
  console.log(`
Tinyroom is up, and its rooms are kept in ${storage}. Every path is a room. To see what is stored in one, open
  ${room}
To sync a TinyBase store with it, connect a WebSocket to
  ${Object.assign(new URL(room), {protocol: 'ws:'})}
${adminsToken()}Changes under src/ are built and served at once. Ctrl-C stops it.
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
