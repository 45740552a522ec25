// The process that kill.test.ts kills: source and stages on the embedded log and store, until all input is worked off.
import { openEmbeddedLog } from '../../src/embedded/log.ts';
import { openEmbeddedStore } from '../../src/embedded/store.ts';
import { collectingEmit } from '../../src/internal-event.ts';
import { openSource } from '../../src/runner/source.ts';
import { openTopology } from '../../src/runner/topology.ts';
import { encodeToy, holdStage, judgeStage, type ToyRecord } from '../sim/toy-stages.ts';

const [folder, count] = [process.argv[2] as string, Number(process.argv[3])];
const log = openEmbeddedLog({ folder });
const ports = { log, store: openEmbeddedStore({ folder }), emit: collectingEmit().emit };
const topology = await openTopology([holdStage, judgeStage], ports, { batchRecordsMax: 5 });
const source = await openSource({ stage: 'ingest:child', partition: 0 }, ports);

function recordAt(i: number): ToyRecord {
	if (i === count - 1) return { session: '', kind: 'end', text: '' };
	const session = `s${Math.floor(i / 7)}`;
	const kind = i % 7 === 0 ? 'open' : i % 7 === 6 ? 'close' : 'add';
	return { session, kind, text: String(i) };
}

async function write(): Promise<void> {
	for (;;) {
		const next = Number(Buffer.from(source.cells.get('next') ?? []).toString() || '0');
		if (next >= count) return;
		await source.commit({
			cells: new Map([['next', Buffer.from(String(next + 1))]]),
			records: [{ topic: 'trace', key: 'child', value: encodeToy(recordAt(next)) }],
		});
		await new Promise((resolve) => setImmediate(resolve));
	}
}

await topology.run({ until: write() });
await log.close();
await ports.store.close();
