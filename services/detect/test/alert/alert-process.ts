// A process with log, store and alert stage, for kill.test.ts to kill: node alert-process.ts FOLDER URL FINDINGS
import { findingCodec } from '@affidavit/model/codec.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import { runTopology } from '@affidavit/stream/runner/topology.ts';
import { createAlertStage } from '../../src/alert/stage.ts';
import { numbered, secret } from './receiver.ts';

const [folder = '', url = '', findings = '0'] = process.argv.slice(2);
const log = openEmbeddedLog({ folder });
const store = openEmbeddedStore({ folder });
const { end } = await log.bounds('finding', 0);
for (let n = end; n < Number(findings); n++)
	await log.append([
		{
			topic: 'finding',
			key: 's',
			value: findingCodec.encode(numbered(n)),
			origin: { stage: 'detect', partition: 0, offset: n, index: 0 },
		},
	]);
const stage = createAlertStage({
	url,
	secret,
	allowPrivate: true,
	retry: { attemptsMax: 1000, delayMs: 5, delayMsMax: 20 },
	stepWaitMs: 30,
	emit: () => {},
});
// A log that waits for its next record keeps no process alive.
setInterval(() => {}, 1000);
await runTopology([stage], { log, store, emit: () => {} }, { batchRecordsMax: 3, signal: AbortSignal.timeout(60_000) });
