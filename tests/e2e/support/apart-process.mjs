// Runs in a process of its own, for apart.mjs.
const {versions, url, skewMs, busyMs} = JSON.parse(process.argv[2]);
const {now} = Date;
Date.now = () => now() + skewMs;

const {connect} = await import('./clients.mjs');

/** How long this process is busy, whatever else the machine does. */
const beBusy = () => {
  const until = performance.now() + busyMs;
  while (performance.now() < until);
};

const clients = await Promise.all(
  versions.map(async (version) => {
    const counts = {received: 0, changes: 0, closed: undefined};
    const client = await connect(version, url);
    client.socket.addEventListener('message', ({data}) => {
      counts.received++;
      if (/\n\[[^,]*,3,/.test(data.slice(0, 80))) counts.changes++;
      // What is counted is not kept.
      client.traffic.received.length = 0;
      if (busyMs > 0) beBusy();
    });
    client.socket.addEventListener('close', ({code, reason}) => {
      counts.closed = {code, reason};
    });
    return {...client, counts};
  }),
);

const travelling = (result) => (typeof result === 'object' || typeof result !== 'function' ? result : undefined);

process.on('message', ({id, index, method, rest}) => {
  const {store, counts} = clients[index];
  try {
    const result = method ? store[method](...rest) : counts;
    // A store returns itself from what changes it.
    process.send({id, result: result === store ? undefined : travelling(result)});
  } catch (error) {
    process.send({id, error: String(error)});
  }
});
process.on('disconnect', () => process.exit());
process.send('started');
