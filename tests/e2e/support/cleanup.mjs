// What a test that fails leaves open would keep its process alive for ever.

const ends = [];

/** Remembers how to end something that has begun. Ending it twice must do no harm. */
export const atTheEnd = (end) => ends.push(end);

/** Ends everything, the latest first. Each test file calls it `after` its tests. */
export const cleanUp = async () => {
  while (ends.length > 0) await ends.pop()();
};
