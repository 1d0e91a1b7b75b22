// Messages in parts, whose parts take their time: over a slow line they arrive whole.
import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {after, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {cleanUp} from './support/cleanup.mjs';
import {connect, createStore, leaveAll, untilEqual} from './support/clients.mjs';
import {startNetwork} from './support/network.mjs';
import {begunClient, body, changes, hlc} from './support/raw.mjs';
import {until} from './support/until.mjs';
import {startWorker} from './support/worker.mjs';

const worker = await startWorker();
after(cleanUp);

const messageId = (index = 0) => String(index).padStart(16, '0');
const isFragment = (frame) => /^[^\n]*\n[-\w]{16}\n\d+\n\d+\n/.test(frame);

/** A change, in so many parts. */
const inParts = (id, value, count) => {
  const text = body('edit', 3, changes({[id]: [value, hlc()]}));
  const length = Math.ceil(text.length / count);
  return Array.from({length: count}, (_, index) => {
    return `\n${messageId()}\n${index}\n${count}\n${text.slice(index * length, (index + 1) * length)}`;
  });
};

for (const [count, pauseMs] of [
  [2, 1200],
  [10, 200],
  [3, 3000],
]) {
  test(`${count} parts that come ${pauseMs / 1000} s after each other are taken in`, async () => {
    const path = `/parts/${count}`;
    const [sender, receiver] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
    for (const part of inParts('slow', 'x'.repeat(200), count)) {
      sender.send(part);
      await sleep(pauseMs);
    }
    await until(() => receiver.traffic.received.some((frame) => frame.includes('"slow"')), 'the whole');
    assert.equal((await worker.content(path))[0][0].t[0].r[0].slow[0], 'x'.repeat(200));
    assert.equal(sender.traffic.closed, undefined);
  });
}

test('parts that come slowly, of two messages at once and out of order, are taken in', async () => {
  const path = '/parts/mixed';
  const [sender, receiver] = [await begunClient(worker.ws(path)), await begunClient(worker.ws(path))];
  const [one, other] = [inParts('one', 1, 4), inParts('other', 2, 4)];
  const parts = one.flatMap((part, index) => [part, other[3 - index].replace(messageId(), messageId(1))]);
  for (const part of parts) {
    sender.send(part);
    await sleep(300);
  }
  for (const id of ['"one"', '"other"']) {
    await until(() => receiver.traffic.received.some((frame) => frame.includes(id)), id);
  }
});

// Of other characters, so that no socket could make it shorter.
const BYTES = 850_000;
const [UP, FRAGMENT] = [350_000, 50_000];

for (const version of ['9.7', '10.0']) {
  test(`what a client of ${version} hands over in fragments arrives, though it takes seconds`, async () => {
    const path = `/upload/${version}`;
    const network = await startNetwork(worker, {up: UP});
    const other = await connect('8.5', worker.ws(path));
    const store = await createStore(version);
    store.setCell('t', 'brought', 'c', randomBytes((BYTES * 3) / 4).toString('base64'));
    const client = await connect(version, network.ws(path), {store, fragmentSize: FRAGMENT});
    await untilEqual(worker, path, [client, other]);
    // And as an edit of somebody who is there already.
    client.store.setCell('t', 'edited', 'c', randomBytes((BYTES * 3) / 4).toString('base64'));
    await untilEqual(worker, path, [client, other]);
    assert.ok(client.traffic.sent.filter(isFragment).length >= (2 * BYTES) / FRAGMENT);
    assert.equal(client.traffic.closed, undefined);
    await leaveAll([client, other]);
  });
}

test('none of this was an error of the Worker', () => assert.deepEqual(worker.complaints(), []));
