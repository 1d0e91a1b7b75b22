// Who comes in: by which token, from where, to which room, for what.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {createHmac} from 'node:crypto';
import {readFile, rm, writeFile} from 'node:fs/promises';
import {after, test} from 'node:test';
import {WebSocket as BluntWebSocket} from 'ws';
import {atTheEnd, cleanUp} from './support/cleanup.mjs';
import {bytes, everywhere, keyPair, SECRET, token} from './support/tokens.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

const OTHER_SECRET = 'another secret of thirty-two bytes or more';
const RULES = [
  {rooms: 'public/*', access: 'read', who: 'anyone'},
  {rooms: 'users/{sub}/*', access: 'write'},
  {rooms: 'team/{org.id}/*', access: 'admin', if: {role: 'owner'}},
  {rooms: 'team/{org.id}/*', access: 'read'},
];
const [rs256, es256, edDsa, unknown] = await Promise.all([
  keyPair('RS256', 'rsa'),
  keyPair('ES256', 'p256'),
  keyPair('EdDSA', 'ed25519'),
  keyPair('ES256', 'p256'),
]);
const settings = {
  ACCESS: 'closed',
  TOKEN_SECRETS: `${SECRET} \n${OTHER_SECRET.replaceAll(' ', '_')}`,
  TOKEN_JWKS: JSON.stringify({keys: [rs256, es256, edDsa].map(({jwk}) => jwk)}),
};
const [closed, open, ruled, strict, paged] = await Promise.all([
  startWorker({settings}),
  startWorker({settings: {...settings, ACCESS: 'open'}}),
  // As a list, or as its text: both count.
  startWorker({settings: {...settings, ACCESS: RULES}}),
  startWorker({settings: {...settings, TOKEN_ISSUER: 'https://issuer', TOKEN_AUDIENCE: 'rooms boards', TOKEN_LEEWAY_S: '0'}}),
  startWorker({settings: {...settings, TOKEN_COOKIE: 'session', ALLOWED_ORIGINS: 'https://*.example.com http://localhost:*'}}),
]);

/** Opens a socket, and answers how it went: `open`, or code and reason of its close. */
const join = (worker, path, {protocols, headers} = {}) =>
  new Promise((resolve, reject) => {
    const socket = new BluntWebSocket(worker.ws(path), protocols, {headers});
    let isOpen = false;
    socket.on('error', reject);
    // An open one is told something at once: an answer to its question.
    socket.on('open', () => {
      isOpen = true;
      socket.send('\n["q",1,""]');
    });
    socket.on('message', () => {
      resolve('open');
      socket.terminate();
    });
    socket.on('close', (code, reason) => resolve(`${isOpen ? '' : 'never open: '}${code} ${reason}`));
  });

/** What a request is answered: the status, and what was said of it. */
const ask = async (worker, path, options) => {
  const response = await fetch(worker.http(path), options);
  const text = await response.text();
  return {status: response.status, headers: response.headers, text, body: text && JSON.parse(text)};
};

/** The four places where a token may stand, and how it is put there. */
const places = {
  header: (text) => ({headers: {authorization: `Bearer ${text}`}}),
  query: (text) => ({query: `?token=${text}`}),
  subprotocol: (text) => ({protocols: ['tinyroom', `bearer.${text}`]}),
  cookie: (text) => ({headers: {cookie: `a=b; session=${text}`, origin: 'https://app.example.com'}}),
};

/** How many there are of each row: what somebody may do, and what becomes of a socket, and of a request. */
const expectations = [
  [everywhere('read'), 'open', 200],
  [everywhere('write'), 'open', 200],
  [everywhere('admin'), 'open', 200],
  [{rooms: {'other/*': 'admin'}}, '4403 no access to this room', 403],
  [{}, '4403 no access to this room', 403],
];

for (const [place, put] of Object.entries(places)) {
  test(`a token in a ${place} opens what it says, and no more`, async () => {
    for (const [claims, joined, status] of expectations) {
      const {query = '', protocols, headers} = put(await token(claims));
      const said = JSON.stringify(claims);
      assert.equal(await join(paged, `/place/${place}${query}`, {protocols, headers}), joined, said);
      if (place === 'subprotocol') continue;
      for (const method of ['GET', 'HEAD']) {
        assert.equal((await ask(paged, `/place/${place}${query}`, {method, headers})).status, status, said);
      }
    }
  });
}

test('without a token nobody comes in where rooms are closed', async () => {
  assert.equal(await join(closed, '/a'), '4401 token missing');
  const {status, headers, body} = await ask(closed, '/a');
  assert.equal(status, 401);
  assert.equal(headers.get('www-authenticate'), 'Bearer realm="tinyroom"');
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.deepEqual([body.status, body.title, body.code, body.reason], [401, 'Unauthorized', 4401, 'token missing']);
  assert.equal((await ask(closed, '/a', {method: 'HEAD'})).status, 401);
  for (const path of ['/a?journal', '/a?verify', '/', '/parties/main/a']) assert.equal((await ask(closed, path)).status, 401);
});

test('where it is not said who may come in, or cannot be read, nobody does without a token', async () => {
  assert.equal(await join(await startWorker({settings: {...settings, ACCESS: JSON.stringify(RULES)}}), '/public/a'), 'open');
  for (const ACCESS of ['', 'Open', 'yes', '{}', '[{"rooms":"*","access":"writ"}]', '[{"rooms":"*","access":"write","how":1}]']) {
    const worker = await startWorker({settings: {...settings, ACCESS}});
    assert.equal(await join(worker, '/a'), '4401 token missing', ACCESS);
    assert.equal(await join(worker, `/a?token=${await token(everywhere('write'))}`), 'open', ACCESS);
    assert.match(worker.complaints().map(({message}) => message).join('\n'), /ACCESS cannot be read, and all rooms are closed/);
    await worker.kill();
  }
});

test('where rooms are open a token is not needed, and a bad one is refused all the same', async () => {
  assert.equal(await join(open, '/a'), 'open');
  assert.equal((await ask(open, '/a')).status, 200);
  assert.equal(await join(open, `/a?token=${await token({})}`), 'open');
  for (const text of ['nonsense', `${await token({})}x`, await token({}, {key: bytes('wrong'.repeat(8))})]) {
    assert.match(await join(open, `/a?token=${text}`), /^4401 /);
    assert.equal((await ask(open, `/a?token=${text}`)).status, 401);
  }
});

test('every key verifies what it has signed, and nothing else', async () => {
  const secrets = settings.TOKEN_SECRETS.split(/\s+/).map((secret) => ({alg: 'HS256', key: bytes(secret)}));
  for (const {alg, kid, key} of [...secrets, rs256, es256, edDsa]) {
    const claims = everywhere('read');
    assert.equal(await join(closed, `/a?token=${await token(claims, {alg, key, kid})}`), 'open', alg);
    // One that names no key is tried with each.
    assert.equal(await join(closed, `/a?token=${await token(claims, {alg, key})}`), 'open', alg);
    const [head, body, signature] = (await token(claims, {alg, key, kid})).split('.');
    const forged = Buffer.from(JSON.stringify({...everywhere('admin'), exp: 9e9})).toString('base64url');
    assert.equal(await join(closed, `/a?token=${head}.${forged}.${signature}`), '4401 signature', alg);
    const flipped = `${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`;
    assert.equal(await join(closed, `/a?token=${head}.${body}.${flipped}`), '4401 signature', alg);
  }
  assert.equal(await join(closed, `/a?token=${await token(everywhere('read'), unknown)}`), '4401 signature');
  assert.equal(
    await join(closed, `/a?token=${await token(everywhere('read'), {...unknown, kid: 'who?'})}`),
    '4401 unknown key',
  );
});

/** A token whose parts are what they are. */
const raw = (header, claims, signature = 'AAAA') =>
  [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') + `.${signature}`;

// RFC 8725, section 2, one by one, as far as it concerns who verifies.
const exp = Math.floor(Date.now() / 1000) + 3600;
const all = {...everywhere('admin'), exp};
const attacks = {
  'a token that is not signed': () => raw({alg: 'none'}, all, ''),
  'one that says so in another way': () => raw({alg: 'nOnE'}, all),
  'a public RSA key taken for a secret': async () =>
    token(everywhere('admin'), {key: bytes(JSON.stringify(rs256.jwk)), kid: 'rsa'}),
  'the same, by its modulus': async () => token(everywhere('admin'), {key: bytes(rs256.jwk.n), kid: 'rsa'}),
  'a key that the token brings along': async () => token(everywhere('admin'), {...unknown, kid: undefined, jwk: unknown.jwk}),
  'a key at a place that the token names': async () => token(everywhere('admin'), {...unknown, jku: 'https://evil/keys'}),
  'another algorithm for the same key': () => raw({alg: 'PS256', kid: 'rsa'}, all, 'A'.repeat(342)),
  'a longer hash': async () => token(everywhere('admin'), {alg: 'HS512', key: bytes(SECRET.repeat(2))}),
  'a weak secret': async () => token(everywhere('admin'), {key: bytes('secret')}),
  'something critical that nobody knows': () => raw({alg: 'HS256', crit: ['x'], x: 1}, all),
  'an encrypted token': () => 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aXY.dGV4dA.dGFn',
  'a token of another kind': async () => token(everywhere('admin'), {typ: 'secevent+jwt'}),
  'no JSON': () => 'AAAA.AAAA.AAAA',
  'two claims of one name': async () => {
    const head = Buffer.from('{"alg":"HS256"}').toString('base64url');
    const body = Buffer.from(`{"exp":1,"exp":${exp},"rooms":{"*":"admin"}}`).toString('base64url');
    return `${head}.${body}.${createHmac('sha256', SECRET).update(`${head}.${body}`).digest('base64url')}`;
  },
  'one that never ends': async () => token({...everywhere('admin'), exp: undefined}),
  'one of 8 KiB and more': async () => token({...everywhere('admin'), more: 'x'.repeat(9000)}),
};
for (const [name, attack] of Object.entries(attacks)) {
  test(`refused: ${name}`, async () => {
    const text = await attack();
    assert.match(await join(closed, '/a', {protocols: ['tinyroom', `bearer.${text}`]}), /^4401 ./);
    const {status, headers} = await ask(closed, '/a', {headers: {authorization: `Bearer ${text}`}});
    assert.equal(status, 401);
    assert.match(headers.get('www-authenticate'), /^Bearer realm="tinyroom", error="invalid_token", error_description="/);
  });
}

test('times, issuer and audience are looked at', async () => {
  const now = Math.floor(Date.now() / 1000);
  const good = {...everywhere('read'), iss: 'https://issuer', aud: 'boards', exp: now + 100};
  for (const [claims, joined] of [
    [good, 'open'],
    [{...good, aud: ['x', 'rooms']}, 'open'],
    [{...good, nbf: now - 10}, 'open'],
    [{...good, exp: now - 1}, '4401 token expired'],
    [{...good, nbf: now + 100}, '4401 token not valid yet'],
    [{...good, iss: 'https://issuer/'}, '4401 issuer'],
    [{...good, iss: undefined}, '4401 issuer'],
    [{...good, aud: 'others'}, '4401 audience'],
    [{...good, aud: undefined}, '4401 audience'],
  ]) {
    assert.equal(await join(strict, `/a?token=${await token(claims)}`), joined, JSON.stringify(claims));
  }
  // Elsewhere clocks may be a minute apart.
  assert.equal(await join(closed, `/a?token=${await token({...everywhere('read'), exp: now - 30})}`), 'open');
  assert.equal(await join(closed, `/a?token=${await token({...everywhere('read'), exp: now - 61})}`), '4401 token expired');
});

test('rules are tried in order, and the first that fits counts', async () => {
  const ann = {sub: 'auth0|1', org: {id: 'acme'}};
  for (const [path, claims, joined] of [
    ['/public/a', undefined, 'open'],
    ['/private', undefined, '4401 token missing'],
    ['/users/auth0|1/a', undefined, '4401 token missing'],
    ['/users/auth0|1/a', ann, 'open'],
    ['/users/auth0%7C1/a/b', ann, 'open'],
    ['/users/auth0%7c1/a', ann, 'open'],
    ['/users/auth0|2/a', ann, '4403 no access to this room'],
    ['/users/auth0|1', ann, '4403 no access to this room'],
    ['/users/auth0|1%2Fa', ann, '4403 no access to this room'],
    ['/users//a', {sub: ''}, '4403 no access to this room'],
    ['/users/undefined/a', {}, '4403 no access to this room'],
    ['/%75sers/auth0|1/a', ann, '4403 no access to this room'],
    ['/team/acme/a', ann, 'open'],
    ['/team/other/a', ann, '4403 no access to this room'],
    ['/else', {rooms: {else: 'read'}}, 'open'],
  ]) {
    const query = claims === undefined ? '' : `?token=${await token(claims)}`;
    assert.equal(await join(ruled, path + query), joined, `${path} for ${JSON.stringify(claims)}`);
  }
});

test('an app can ask beforehand what its socket would be told, and wakes no room', async () => {
  const expires = Math.floor(Date.now() / 1000) + 100;
  const asked = async (worker, path, claims) => {
    const query = claims === undefined ? '' : `&token=${await token(claims)}`;
    const {status, body} = await ask(worker, `${path}?access${query}`);
    return [status, body.access ?? body.code, body.sub ?? body.reason, body.expiresAt];
  };
  assert.deepEqual(await asked(open, '/a'), [200, 'write', undefined, undefined]);
  assert.deepEqual(await asked(open, '/a', {...everywhere('admin'), exp: expires}), [200, 'admin', undefined, (expires + 60) * 1000]);
  assert.deepEqual(await asked(ruled, '/users/ann/x', {sub: 'ann', exp: expires}), [200, 'write', 'ann', (expires + 60) * 1000]);
  assert.deepEqual(await asked(ruled, '/team/acme/x', {org: {id: 'acme'}, role: ['owner'], exp: expires}), [200, 'admin', undefined, (expires + 60) * 1000]);
  assert.deepEqual(await asked(ruled, '/public/x'), [200, 'read', undefined, undefined]);
  assert.deepEqual(await asked(closed, '/a'), [401, 4401, 'token missing', undefined]);
  assert.deepEqual(await asked(closed, '/a', {}), [403, 4403, 'no access to this room', undefined]);
});

test('pages of other origins may neither connect nor read, and programs may', async () => {
  const headers = (origin) => ({authorization: `Bearer ${text}`, ...(origin && {origin})});
  const text = await token(everywhere('read'));
  for (const [origin, isAllowed] of [
    [undefined, true],
    ['https://app.example.com', true],
    ['https://a.b.example.com', true],
    ['http://localhost:5173', true],
    ['https://example.com', false],
    ['https://evilexample.com', false],
    ['http://app.example.com', false],
    ['null', false],
  ]) {
    assert.equal(await join(paged, '/a', {headers: headers(origin)}), isAllowed ? 'open' : '4403 origin not allowed', origin);
    const {headers: answered} = await ask(paged, '/a', {headers: headers(origin)});
    assert.equal(answered.get('access-control-allow-origin'), isAllowed && origin ? origin : null, origin);
    assert.equal(answered.get('vary'), 'origin');
  }
  assert.equal((await ask(closed, '/a')).headers.get('access-control-allow-origin'), '*');
});

test('a cookie counts for nothing where any page may connect', async () => {
  const worker = await startWorker({settings: {...settings, TOKEN_COOKIE: 'session'}});
  const headers = {cookie: `session=${await token(everywhere('read'))}`};
  assert.equal(await join(worker, '/a', {headers}), '4401 token missing');
});

test('a reason tells nobody whether there is anything in a room', async () => {
  const writer = await token(everywhere('write'));
  await new Promise((resolve, reject) => {
    const socket = new BluntWebSocket(closed.ws(`/full?token=${writer}`));
    socket.on('error', reject);
    socket.on('open', () => {
      socket.send('\n[null,3,[[{}],[{"v":[1]}],1]]');
      socket.send('\n["q",1,""]');
    });
    socket.on('message', () => resolve(socket.terminate()));
  });
  assert.notEqual(await closed.content(`/full?token=${writer}`), null);
  for (const query of ['', `?token=${await token({})}`, '?token=x']) {
    const [full, empty] = await Promise.all(['/full', '/empty'].map((path) => ask(closed, path + query)));
    assert.deepEqual([full.status, full.text], [empty.status, empty.text]);
    assert.equal(await join(closed, `/full${query}`), await join(closed, `/empty${query}`));
  }
});

test('tokens that are made in the ways that the documentation gives open what they say', async () => {
  const documentation = await readFile('docs/security.md', 'utf8');
  const snippets = [...documentation.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.equal(snippets.length, 2);
  process.env.TOKEN_SECRET = SECRET;
  for (const [index, code] of snippets.entries()) {
    // Beside this file, so that it finds the packages.
    const file = new URL(`security.snippet-${index}.mjs`, import.meta.url);
    atTheEnd(() => rm(file, {force: true}));
    await writeFile(file, code);
    const {roomToken} = await import(file);
    const user = {id: 'ann'};
    const text = await (index === 0 ? roomToken(user, 'a') : roomToken({TOKEN_SECRET: SECRET}, user, 'a'));
    assert.deepEqual((await ask(closed, `/a?access&token=${text}`)).body.sub, 'ann');
    assert.equal(await join(closed, `/a?token=${text}`), 'open');
    assert.equal(await join(closed, `/b?token=${text}`), '4403 no access to this room');
  }
});

test('so do those that are made in a terminal', async () => {
  const make = (...words) => execFileSync('make', ['-s', ...words], {encoding: 'utf8'}).trim();
  assert.ok(Buffer.byteLength(make('secret')) >= 32);
  assert.notEqual(make('secret'), make('secret'));
  const text = make('token', 'ROOMS={"todo/*":"write"}', 'SUB=ann', 'TTL=3600', `TOKEN_SECRETS=${SECRET}`);
  const {body} = await ask(closed, `/todo/42?access&token=${text}`);
  assert.deepEqual([body.access, body.sub], ['write', 'ann']);
  assert.ok(Math.abs(body.expiresAt - Date.now() - 3_660_000) < 60_000);
  assert.equal((await ask(closed, `/other?token=${text}`)).status, 403);
  for (const wrong of ['ROOMS=todo', 'ROOMS={"a":"owner"}', 'TTL=soon', 'TOKEN_SECRETS=short']) {
    assert.throws(() => execFileSync('make', ['-s', 'token', `TOKEN_SECRETS=${SECRET}`, wrong], {stdio: 'pipe'}), /tinyroom: /);
  }
});

test('nothing of this was an error of the Worker, and no token was logged', () => {
  for (const worker of [closed, open, ruled, strict, paged]) {
    assert.deepEqual(worker.complaints(), []);
    assert.ok(!worker.logs.some(({message}) => /eyJ|token=/.test(message)));
  }
});
