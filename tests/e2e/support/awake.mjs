// A client in a thread of its own that says something each second, however busy the others are. Its URL is `workerData`.
import {parentPort, workerData} from 'node:worker_threads';
import {begunClient} from './raw.mjs';

const client = await begunClient(workerData);
// For nobody, so that it ends no window.
setInterval(() => client.send('nobody\n["awake",4,{}]'), 1000);
parentPort.postMessage('begun');
