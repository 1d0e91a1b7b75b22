// The question about nothing by which a room finds out whether a client still reads.

const QUESTION = Buffer.from(',6,{}]');

/** A real client's answer to it; `undefined` where a frame, as bytes, is something else. */
export const answerThatItReads = (frame) =>
  frame.length <= 60 && frame.subarray(-QUESTION.length).equals(QUESTION)
    ? frame.toString().replace(',6,{}]', ',0,[{}]]')
    : undefined;

/** Of frames those that are neither such a question nor an answer to one. */
export const withoutProbes = (frames) => frames.filter((frame) => !/^S\n\["[^"]*",(6,\{\}|0,\[\{\}\])\]$/.test(frame));
