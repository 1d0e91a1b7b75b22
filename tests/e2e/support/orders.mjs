// Orders to the modules that stand around the built Worker.
import assert from 'node:assert/strict';

/** Gives an order by its name, with what it needs, and answers what came of it. */
export const ordersTo = (worker) => async (name, order) => {
  const headers = {'x-order': JSON.stringify({name, ...order})};
  const response = await fetch(worker.http('/'), {headers});
  const answer = await response.text();
  assert.equal(response.status, 200, answer);
  return JSON.parse(answer);
};
