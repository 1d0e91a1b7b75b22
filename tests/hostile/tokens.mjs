// Tokens that open nothing, each wrong in another way.
import {createHmac, createSign, generateKeyPairSync} from 'node:crypto';
import {SECRET} from '../e2e/support/tokens.mjs';

/** In the year 2100: the same in every run. */
const LATE = 4_102_444_800;

const encode = (part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
const hmac = (input, key = SECRET, hash = 'sha256') => createHmac(hash, key).update(input).digest('base64url');

/** A token with parts of any kind, a text being what is encoded, signed by whoever has this key. */
export const sign = (claims, {header = {alg: 'HS256', typ: 'JWT'}, key = SECRET, hash} = {}) => {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${hmac(input, key, hash)}`;
};

/** One that opens rooms, as good clients have it. */
export const pass = (rooms, more = {}) => sign({rooms, exp: LATE, ...more});

const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'});
const jwk = publicKey.export({format: 'jwk'});
const pem = publicKey.export({format: 'pem', type: 'spki'});

const signEc = (header, claims) => {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${createSign('sha256').update(input).sign({key: privateKey, dsaEncoding: 'ieee-p1363'}, 'base64url')}`;
};

const nested = (depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** The claims of somebody who may do everything, with something that makes them count for nothing. */
const spoiled = (all, room) => [
  {...all, exp: 1},
  {...all, exp: 0},
  {...all, exp: -LATE},
  {...all, exp: String(LATE)},
  {...all, exp: null},
  {...all, exp: [LATE]},
  {...all, exp: true},
  {...all, exp: undefined},
  {...all, nbf: LATE - 1},
  {...all, nbf: 'now'},
  {...all, nbf: {}},
  {...all, sub: 7},
  {...all, sub: ['ann']},
  {...all, sub: 'x'.repeat(300)},
  {...all, rooms: '*'},
  {...all, rooms: ['*']},
  {...all, rooms: [['*', 'admin']]},
  {...all, rooms: {'*': true}},
  {...all, rooms: {'*': 'Write'}},
  {...all, rooms: {'*': 'owner'}},
  {...all, rooms: {'*': ['admin']}},
  {...all, rooms: {'*': null}},
  {...all, rooms: null},
  {...all, rooms: undefined},
  {...all, rooms: {'**': 'admin', '.*': 'admin', '?': 'admin'}},
  {...all, rooms: {[`${room}/`]: 'admin'}},
  {...all, rooms: {[`/${room}`]: 'admin'}},
  {...all, rooms: {[room.toUpperCase()]: 'admin'}},
  {...all, rooms: {[room.replace('/', '%2F')]: 'admin'}},
  {...all, rooms: {[room.slice(0, -1)]: 'admin'}},
  {...all, rooms: {[`${room}%00`]: 'admin'}},
  {...all, rooms: {'elsewhere/*': 'admin'}},
  {...all, rooms: {__proto__: {'*': 'admin'}}},
  `{"__proto__":{"rooms":{"*":"admin"}},"exp":${LATE}}`,
  `{"exp":1,"exp":${LATE},"rooms":{"*":"admin"}}`,
  `{"exp":${LATE},"rooms":{"*":"read"},"rooms":{"*":"admin"}}`,
  `{"exp":${LATE},"rooms":{"*":"admin","*":"admin"}}`,
  '{"exp":1e999,"rooms":{"*":"admin"}}',
  `{"exp":${LATE},"rooms":{"*":"admin"}`,
  `{"exp":${LATE},"rooms":{"*":"admin"}} `.concat('x'),
  `[{"exp":${LATE},"rooms":{"*":"admin"}}]`,
  `{"exp":${LATE},"rooms":{"*":"admin"},"a":${nested(500)}}`,
  '',
  'null',
  '"admin"',
];

const headers = [
  {alg: 'none'},
  {alg: 'None'},
  {alg: 'nOnE'},
  {alg: ''},
  {alg: null},
  {alg: ['HS256']},
  {},
  {alg: 'hs256'},
  {alg: 'HS256 '},
  {alg: 'HS256\0'},
  {alg: 'HS384'},
  {alg: 'HS512'},
  {alg: 'RS256'},
  {alg: 'PS256'},
  {alg: 'ES256'},
  {alg: 'EdDSA'},
  {alg: 'dir', enc: 'A128GCM'},
  {alg: 'HS256', crit: []},
  {alg: 'HS256', crit: ['exp'], exp: 1},
  {alg: 'HS256', crit: ['b64'], b64: false},
  {alg: 'HS256', typ: 'secevent+jwt'},
  {alg: 'HS256', typ: 5},
  {alg: 'HS256', kid: 5},
  {alg: 'HS256', kid: null},
  {alg: 'HS256', kid: ['a']},
  '{"alg":"none","alg":"HS256"}',
  '{"alg":"HS256","alg":"none"}',
  '{"alg":"HS256",}',
  '',
];

/** Kinds that a token's signature cannot have, whatever its claims are. */
const unsigned = {
  'alg: none': (random, all) => {
    const text = sign(all, {header: random.pick(headers.slice(0, 7))});
    return random.chance(0.5) ? text : text.replace(/[^.]*$/, '');
  },
  'algorithm or header': (random, all) => sign(all, {header: random.pick(headers)}),
  'key confusion': (random, all) => {
    const key = random.pick([pem, pem.trim(), JSON.stringify(jwk), jwk.x, '', '\0', 'secret', SECRET.slice(1), SECRET.toUpperCase()]);
    return sign(all, {key});
  },
  'a key it brings along': (random, all) => {
    const more = random.pick([{jwk}, {jku: 'http://127.0.0.1:1/keys'}, {x5u: 'file:///etc/passwd'}, {x5c: [pem]}, {kid: 'mine', jwk}]);
    return signEc({alg: 'ES256', ...more}, all);
  },
  'kid tricks': (random, all) => {
    const kid = random.pick(['../../dev/null', "x' UNION SELECT '", '/proc/self/environ', '0', '__proto__', 'constructor', '\0', '*', '']);
    return sign(all, {header: {alg: 'HS256', kid}, key: random.pick(['', '\0', 'null', 'undefined'].map((key) => key.padEnd(32, ' ')))});
  },
  'signed by another': (random, all) => sign(all, {key: random.pick(['x', 'y']).repeat(32)}),
  spliced: (_random, all) => {
    // The signature of a good token, under claims of one's own.
    const [, , signature] = pass({'elsewhere/*': 'write'}).split('.');
    return `${encode({alg: 'HS256', typ: 'JWT'})}.${encode({...all, sub: 'me'})}.${signature}`;
  },
  'changed by a bit': (random, all) => {
    const text = sign(all);
    const at = random.below(text.length - 1);
    const other = random.pick([...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/'].filter((c) => c !== text[at]));
    return text.slice(0, at) + other + text.slice(at + 1);
  },
  truncated: (random, all) => {
    const text = sign(all);
    return text.slice(0, 1 + random.below(text.length - 1));
  },
  oversized: (random, all) => sign({...all, more: 'x'.repeat(6500 + random.below(20_000))}),
  'dots and nonsense': (random) =>
    random.pick(['.', '..', '...', 'a.b.c', 'AAAA.AAAA.AAAA', '....', 'null', 'undefined', '%00', 'e30.e30.e30', 'x'.repeat(100)]),
};

/** A token that opens nothing in a room, and what is wrong with it. */
export const forge = (random, room) => {
  const all = {rooms: {'*': 'admin'}, exp: LATE};
  if (random.chance(0.4)) return {text: sign(random.pick(spoiled(all, room))), what: 'claims of no worth'};
  const what = random.pick(Object.keys(unsigned));
  return {text: unsigned[what](random, all), what};
};

/** All of them that are not made by chance. */
export const everyForgery = (room) => {
  const all = {rooms: {'*': 'admin'}, exp: LATE};
  return [
    ...spoiled(all, room).map((claims) => sign(claims)),
    ...headers.map((header) => sign(all, {header})),
    ...headers.map((header) => sign(all, {header}).replace(/[^.]*$/, '')),
  ];
};

/** The lines, the query and the subprotocols by which a token comes, in each of the four places. */
export const places = {
  header: (text) => ({lines: [`Authorization: Bearer ${text}`]}),
  subprotocol: (text) => ({lines: [`Sec-WebSocket-Protocol: tinyroom, bearer.${text}`]}),
  query: (text) => ({lines: [], query: `?token=${encodeURIComponent(text)}`}),
  cookie: (text) => ({lines: ['Origin: https://app.example.com', `Cookie: a=b; session=${text}`]}),
};
