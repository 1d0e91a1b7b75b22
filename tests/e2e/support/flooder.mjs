// A client in a thread of its own, which sends as fast as its socket takes it until it is closed. The work of it must not
// keep the others in the process from reading.
import {once} from 'node:events';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {parentPort, workerData} from 'node:worker_threads';
import {getHlcFunctions} from 'tinybase';
import {WebSocket} from 'ws';
import {answerThatItReads} from './reading.mjs';

const {url, kind, bytes, seconds} = workerData;
// Stamps of its own: those of the raw clients come from a clock in another thread, and could be the same.
const [hlc] = getHlcFunctions('a flooder');
const text = 'x'.repeat(bytes);
const edit = (value) => `\n${JSON.stringify(['flood', 3, [[{t: [{flood: [{c: [value, hlc()]}]}]}], [{}], 1]])}`;
const again = edit(text);
/** What is sent. With `onePerAnswer` the next question waits for the answer to the one before. */
const kinds = {
  'new edits': {frame: (count) => edit(`${text} ${count}`)},
  'edits, one new in twenty': {frame: (count) => (count % 20 === 0 ? edit(`${text} ${count}`) : again)},
  'small edits': {frame: edit},
  'questions for everything': {frame: () => 'S\n["q",4,{}]', onePerAnswer: true},
};
const {frame, onePerAnswer} = kinds[kind];

const socket = new WebSocket(url, {perMessageDeflate: false, skipUTF8Validation: true});
const result = {sent: 0, answers: 0, bytes: 0, seconds: 0, closed: undefined};
socket.on('error', () => {});
socket.on('message', (data) => {
  const answer = answerThatItReads(data);
  if (answer) {
    socket.send(answer);
  } else if (data.subarray(0, 16).toString().startsWith('S\n["q",0')) {
    result.answers++;
    result.bytes += data.length;
  }
});
socket.on('close', (code, reason) => {
  result.closed = {code, reason: String(reason)};
});
await once(socket, 'open');
const start = performance.now();
const elapsed = () => (performance.now() - start) / 1000;
const mayGoOn = () => socket.bufferedAmount < 4 << 20 && (!onePerAnswer || result.answers === result.sent);
while (!result.closed && elapsed() < seconds) {
  for (let turn = 0; turn < 64 && mayGoOn(); turn++) {
    socket.send(frame(result.sent));
    result.sent++;
  }
  await nextTurn();
}
result.seconds = elapsed();
if (!result.closed) socket.terminate();
parentPort.postMessage(result);
