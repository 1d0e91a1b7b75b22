// A Worker whose WebAssembly breaks: because its memory is full, or where it is told to.
import {readFileSync} from 'node:fs';
import {ordersTo} from './orders.mjs';
import {startWorker} from './worker.mjs';

const PAGE_BYTES = 64 << 10;
const [HEADER_BYTES, MEMORY_SECTION] = [8, 5];

/** Numbers of seven bits a byte, the lowest first. */
const readNumber = (bytes, at) => {
  for (let value = 0, shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return [value, at];
  }
};
const number = (value) => (value < 128 ? [value] : [128 + (value & 127), ...number(value >>> 7)]);

/** A module whose memory cannot grow beyond so much. */
const withMostMemory = (module, bytes) => {
  for (let at = HEADER_BYTES; at < module.length; ) {
    const start = at;
    const id = module[at];
    const [length, contents] = readNumber(module, at + 1);
    at = contents + length;
    if (id !== MEMORY_SECTION) continue;
    // One memory; behind the flag, which says whether there is a most already, how large it is at first.
    const [least] = readNumber(module, contents + 2);
    const section = [1, 1, ...number(least), ...number(bytes / PAGE_BYTES)];
    return Buffer.concat([module.subarray(0, start), Buffer.of(id, section.length, ...section), module.subarray(at)]);
  }
  throw new Error('the module has no memory');
};

/** `(module (func (export "trap") unreachable))`: what is thrown there no WebAssembly can catch, as where memory is full. */
const TRAP = Buffer.from('0061736d0100000001040160000003020100070801047472617000000a05010300000b', 'hex');

/** Its WebAssembly has no more memory than so many bytes, where that is said. */
export const startBreakingWorker = async ({memory, ...options} = {}) => {
  const worker = await startWorker({
    ...options,
    wrapper: 'tests/e2e/support/breaking-room.mjs',
    change: (modules) => {
      const built = modules['index_bg.wasm'];
      if (memory) built.contents = withMostMemory(built.contents, memory);
      modules['trap.wasm'] = {type: 'wasm', contents: TRAP};
      modules['instances.mjs'] = {type: 'esm', contents: readFileSync('tests/e2e/support/instances.mjs', 'utf8')};
    },
  });
  const order = ordersTo(worker);

  return {
    ...worker,
    /**
     * Breaks the module once: by a `trap`, by what is thrown where a buffer cannot be had (`range`), by a `panic`, or by an
     * `overflow` of the stack. It happens when the module has called out `after` so many times: of what it calls, in events of this kind,
     * where that is said. An overflow happens in the next message, with about so many frames left.
     */
    break: ({how, after = 0, event, call}) => order('break', {how, after, event, call}),
    /** Where that was; nothing where it did not come to it, which it does not any more. */
    broke: () => order('broke'),
    /** How many rooms were constructed, and how many of them have been collected since, having left memory. */
    objects: () => order('objects'),
  };
};
