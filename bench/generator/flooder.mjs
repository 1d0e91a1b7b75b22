// A client in a thread of its own, which sends as fast as its socket takes it, and comes back at once when it is closed. The
// work of it must not keep the others in the process from reading.
import {setImmediate as nextTurn, setTimeout as sleep} from 'node:timers/promises';
import {parentPort, workerData} from 'node:worker_threads';
import {connectRaw} from './raw.mjs';
import {nextHlc} from './texts.mjs';

/** So much may lie in the socket before the next message, in bytes. */
const AHEAD = 4 << 20;

const edit = (value) => `\n["floodfloodf",3,[[{"t":[{"flood":[{"f":["${value}","${nextHlc()}"]}]}]}],[{}],1]]`;
const long = 'x'.repeat(1 << 20);

/** A change of very many values, and a question that is answered when it has been taken in. */
const manyValues = (number) => {
  const hlc = nextHlc();
  const values = Array.from({length: 250_000}, (_, value) => `"${value}":[${number},"${hlc}"]`);
  return [`\n[null,3,[[{}],[{${values}}],1]]`, 'S\n["flood",1,""]'];
};

/** What is sent, by its number. With `onePerAnswer` the next question waits for the answer to the one before. */
const kinds = {
  'small edits': {message: (number) => edit(number)},
  'edits of 1 MiB': {message: (number) => edit(`${long} ${number}`)},
  'changes of 250,000 values': {message: manyValues, onePerAnswer: true},
  'questions for all there is': {message: () => 'S\n["flood",4,{}]', onePerAnswer: true},
};

const {url, kind} = workerData;
const {message, onePerAnswer = false} = kinds[kind];
let sent = 0;

/** Floods until the room closes it. */
const flood = async () => {
  let unanswered = 0;
  const client = await connectRaw(url, (data) => {
    if (data.subarray(0, 12).toString() === 'S\n["flood",0') unanswered--;
  });
  const mayGoOn = () => client.unsentBytes() < AHEAD && (!onePerAnswer || unanswered === 0);
  if (sent === 0) parentPort.postMessage('it begins');
  while (!client.closed) {
    for (let turn = 0; turn < 64 && mayGoOn(); turn++) {
      [message(sent)].flat().forEach((text) => client.send(text));
      sent++;
      unanswered++;
    }
    await nextTurn();
  }
};

parentPort.on('message', () => parentPort.postMessage(sent));
// A server that has had too much may take a while until it lets anyone in again.
for (;;) await flood().catch(() => sleep(100));
