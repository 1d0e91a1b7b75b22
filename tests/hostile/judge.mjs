// What the hostile may not bring about.
import {CLOSE, framesIn} from './wire.mjs';

/** What a crawler may read anywhere. */
const ROBOTS = 'User-agent: *\nDisallow: /\n';
/** How much more memory the module may have than after the first tenth of a run, and at most. */
export const MORE_MEMORY = 16 << 20;
export const MOST_MEMORY = 112 << 20;

const MOST_BREACHES = 200;
const HEAD = /HTTP\/1\.[01] (\d{3})[^\r\n]*\r\n/g;

/** What the runtime says of a method that it does not know, before it asks the Worker. */
const UNKNOWN_METHOD = 'ERROR: Unrecognized request method.';
/** What the Worker may log: that it took not everything. And what the runtime does, of a socket that speaks no WebSocket. */
const EXPECTED = [/ sent cells that are refused: /, /WebSocket protocol error; protocolError\.statusCode = 10(02|07|09);/];
const COMPLAINTS = /broke|never came back|uncaught|exception|panicked|unreachable/i;
const TOKENS = /eyJ[\w-]{8,}\.|token=/;

/** The answers in what came over a connection: statuses, the lines of their heads, and what stands behind those. */
const answersIn = (bytes) => {
  const text = bytes.toString('latin1');
  const starts = [...text.matchAll(HEAD)];
  return starts.map(({1: status, index}, place) => {
    const answer = text.slice(index, starts[place + 1]?.index);
    const end = answer.indexOf('\r\n\r\n');
    const [head, body] = end < 0 ? [answer, ''] : [answer.slice(0, end), answer.slice(end + 4)];
    return {status: Number(status), head, body};
  });
};

/** Breaches are kept with the input that was at work; so are counts. */
export const createJudge = ({canaries}) => {
  const breaches = [];
  const statuses = new Map();
  const closes = new Map();
  const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);

  const breach = (what, input) => {
    if (breaches.length < MOST_BREACHES) breaches.push(input ? `${what} — input ${input.number}, ${input.kind}: ${input.what}` : what);
  };

  /** Nobody hears a room but those who are in it: nobody else has a `room`. */
  const heard = (input, bytes, room) => {
    for (const [other, canary] of canaries) {
      if (other !== room && bytes.includes(canary)) breach(`heard something of ${other}`, input);
    }
  };

  const answered = (input, {status, head, body}) => {
    count(statuses, status);
    const isBusy = status === 503 && /^retry-after:/im.test(head);
    if (status >= 500 && !isBusy && body !== UNKNOWN_METHOD) breach(`answered with ${status}`, input);
  };

  return {
    breach,
    heard,
    answered,
    /** How a socket of the hostile ended. */
    closed: (closed) => count(closes, closed.code),
    /** All that a stranger was sent over a connection: it may be told off, and nothing else. */
    strangers: (input, bytes) => {
      heard(input, bytes);
      for (const answer of answersIn(bytes)) {
        answered(input, answer);
        const {status, body} = answer;
        if (status === 101) {
          const [frames] = framesIn(Buffer.from(body, 'latin1'));
          if (frames.some(({opcode}) => opcode !== CLOSE)) breach('a socket without a token was sent something', input);
        } else if (status < 300 && body !== '' && body !== ROBOTS) {
          breach(`a request without a token was answered with ${status} and ${JSON.stringify(body.slice(0, 200))}`, input);
        }
      }
    },
    /** All that a member was sent over HTTP. */
    members: (input, bytes, room) => {
      heard(input, bytes, room);
      answersIn(bytes).forEach((answer) => answered(input, answer));
    },
    /** What the Worker has logged. */
    logs: (logs) => {
      for (const {level, message} of logs) {
        if (TOKENS.test(message)) breach(`a token in the log: ${message.replace(/eyJ\S*/g, 'eyJ…').slice(0, 200)}`);
        else if (EXPECTED.some((expected) => expected.test(message))) continue;
        else if (level === 'error' || level === 'warn' || COMPLAINTS.test(message)) breach(`logged: ${message.slice(0, 300)}`);
      }
    },
    memory: (atFirst, atLast) => {
      if (atLast > atFirst + MORE_MEMORY) breach(`memory has grown from ${atFirst} to ${atLast} bytes`);
      if (Math.max(atFirst, atLast) >= MOST_MEMORY) breach(`memory is ${Math.max(atFirst, atLast)} bytes`);
    },
    result: () => ({breaches, statuses: Object.fromEntries([...statuses].sort()), closes: Object.fromEntries([...closes].sort((one, other) => one[0] - other[0]))}),
  };
};
