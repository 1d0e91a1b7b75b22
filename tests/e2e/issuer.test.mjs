// Keys that are got from their issuer's URL: it changes them, goes down, and comes back.
import assert from 'node:assert/strict';
import {createServer} from 'node:http';
import {after, test} from 'node:test';
import {atTheEnd, cleanUp} from './support/cleanup.mjs';
import {everywhere, keyPair, token} from './support/tokens.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

after(cleanUp);

/** An issuer: what it answers can be changed, and how often it was asked is counted. */
const startIssuer = async () => {
  const issuer = {keys: [], asked: 0, answer: undefined};
  const server = createServer((_request, response) => {
    issuer.asked++;
    if (issuer.answer) issuer.answer(response);
    else response.end(JSON.stringify({keys: issuer.keys.map(({jwk}) => jwk)}));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atTheEnd(() => server.close());
  issuer.url = `http://127.0.0.1:${server.address().port}/keys`;
  return issuer;
};

const [first, second] = await Promise.all([keyPair('RS256', 'first'), keyPair('ES256', 'second')]);
const down = (response) => response.writeHead(500).end();

const start = async () => {
  const issuer = await startIssuer();
  const worker = await startWorker({settings: {ACCESS: 'closed', TOKEN_JWKS: issuer.url}});
  const statusFor = async (key) => {
    const headers = {authorization: `Bearer ${await token(everywhere('read'), key)}`};
    const response = await fetch(worker.http('/a'), {headers});
    const body = await response.json();
    return response.ok ? 'in' : `${response.status} ${body.reason}`;
  };
  return {issuer, worker, statusFor};
};

test('keys are got once for many, and again for one that is not among them, but not for each', async () => {
  const {issuer, statusFor} = await start();
  issuer.keys = [first];
  for (let n = 0; n < 5; n++) assert.equal(await statusFor(first), 'in');
  assert.equal(issuer.asked, 1);
  // It has been asked a moment ago.
  for (let n = 0; n < 5; n++) assert.equal(await statusFor(second), '401 unknown key');
  assert.equal(issuer.asked, 1);
});

test('who comes while a slow issuer is asked waits for its answer', async () => {
  const {issuer, statusFor} = await start();
  issuer.keys = [first];
  issuer.answer = (response) => setTimeout(() => response.end(JSON.stringify({keys: [first.jwk]})), 500);
  const statuses = await Promise.all(Array.from({length: 5}, () => statusFor(first)));
  assert.deepEqual(statuses, Array(5).fill('in'));
  assert.equal(issuer.asked, 1);
});

test('while the issuer is down what was got before still counts', async () => {
  const {issuer, worker, statusFor} = await start();
  issuer.keys = [first];
  assert.equal(await statusFor(first), 'in');
  issuer.answer = down;
  assert.equal(await statusFor(first), 'in');
  assert.equal(await statusFor(second), '401 unknown key');
  assert.deepEqual(worker.complaints(), []);
});

for (const [name, answer] of Object.entries({
  'is down': down,
  'sends something else': (response) => response.end('<html>'),
  'sends JSON that is no set': (response) => response.end('{"keys":1}'),
  'sends very much': (response) => response.end(JSON.stringify({keys: [first.jwk], more: 'x'.repeat(300_000)})),
  'leads elsewhere': (response) => response.writeHead(302, {location: 'http://127.0.0.1:1/'}).end(),
  'hangs up': (response) => response.destroy(),
})) {
  test(`where the issuer ${name} from the beginning, nobody knows, and when it is back all is well`, async () => {
    const {issuer, worker, statusFor} = await start();
    issuer.keys = [first];
    issuer.answer = answer;
    assert.equal(await statusFor(first), '503 keys unavailable');
    assert.equal(await statusFor(first), '503 keys unavailable');
    assert.equal(issuer.asked, 1, 'one that was down a moment ago is left in peace');
    const socket = new WebSocket(worker.ws(`/a?token=${await token(everywhere('read'), first)}`));
    const {code, reason} = await new Promise((resolve) => socket.addEventListener('close', resolve));
    assert.deepEqual([code, reason], [1013, 'keys unavailable']);
    issuer.answer = undefined;
    await until(async () => (await statusFor(first)) === 'in', 'the issuer to be asked again', 30);
    assert.equal(worker.complaints().filter(({message}) => !message.includes('TOKEN_JWKS')).length, 0);
  });
}
