// Prints a token, by the variables ROOMS, SUB, TTL and TOKEN_SECRETS; or with --secret a secret.
import {SECRETS_FILE, firstSecret, newSecret, newToken} from './tokens.mjs';

const fail = (sentence) => {
  console.error(`tinyroom: ${sentence}`);
  process.exit(1);
};

const roomsOf = (text) => {
  let rooms;
  try {
    rooms = JSON.parse(text);
  } catch {
    rooms = undefined;
  }
  const words = ['read', 'write', 'admin'];
  const isMap = typeof rooms === 'object' && rooms !== null && !Array.isArray(rooms);
  if (!isMap || !Object.values(rooms).every((access) => words.includes(access))) {
    fail(`ROOMS must say who may do what, such as '{"todo/42":"write","todo/*":"read"}', and is ${text}`);
  }
  return rooms;
};

const printToken = ({ROOMS, SUB, TTL = '3600'}) => {
  const secret = firstSecret();
  if (secret === undefined) fail(`there is no secret to sign with: set TOKEN_SECRETS, or put it into ${SECRETS_FILE}`);
  if (Buffer.byteLength(secret) < 32) fail('TOKEN_SECRETS must have 32 bytes or more: `make secret` prints one');
  if (!/^[1-9]\d{0,9}$/.test(TTL)) fail(`TTL must be a whole number of seconds, and is ${TTL}`);
  const claims = {...(SUB && {sub: SUB}), ...(ROOMS && {rooms: roomsOf(ROOMS)})};
  console.log(newToken(claims, Number(TTL), secret));
};

if (process.argv[2] === '--secret') console.log(newSecret());
else printToken(process.env);
