// Records that no service wrote, put into the topics before the faults begin: whatever dies later, each is one dead letter.
import type { Expected } from '../fleet/expected.ts';
import { earlyForgeries, letterOf, writeForeignRecords } from '../fleet/forgeries.ts';
import type { SimulatedHost } from '../fleet/hosts.ts';
import type { ExpectedDeadLetter } from '../fleet/outcome.ts';
import { patiently } from './patiently.ts';
import type { FleetWorld } from './world.ts';

export interface BadRecords {
	letters: ExpectedDeadLetter[];
	/** Keys of the records: what findings are about. */
	subjects: Set<string>;
}

export async function writeBadRecords(
	world: FleetWorld,
	brokers: string,
	partitions: number,
	expected: Expected,
	thief: SimulatedHost,
): Promise<BadRecords> {
	// Of another host's session, with the thief's key among others.
	const [aim] = [...expected].find(([, session]) => session.host !== thief.name) ?? [''];
	const letters: ExpectedDeadLetter[] = [];
	for (const { record, code } of earlyForgeries(aim, world.keys, thief)) {
		await patiently(() => world.log.append([record]));
		if (code !== null) letters.push(letterOf(record.value, code));
	}
	letters.push(...(await writeForeignRecords({ brokers, prefix: world.prefix }, partitions)));
	return { letters, subjects: new Set([aim, ...['session', 'verdict', 'finding'].map((topic) => `foreign-${topic}`)]) };
}
