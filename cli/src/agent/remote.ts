// The brokers as the forwarder sees them: connected to in the background, so that an agent reads and spools from its first moment,
// whether they are there or not.
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Log } from '@affidavit/stream/ports.ts';
import type { FleetLog } from '../service/open-fleet.ts';

export interface Remote extends Pick<Log, 'append'> {
	close(): Promise<void>;
}

/** An append that finds no connection waits so long for it, milliseconds. */
const patienceMs = 1000;

/** `open` resolves with null when the agent is stopping. What it rejects with is told by the append that waits for it. */
export function createRemote(open: () => Promise<FleetLog | null>): Remote {
	let opened: FleetLog | null = null;
	let opening: Promise<FleetLog | null> | null = null;
	const connect = async (): Promise<FleetLog> => {
		if (opened !== null) return opened;
		opening ??= open();
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_resolve, reject) => {
			timer = setTimeout(() => reject(new StreamError('unavailable', 'the brokers do not answer yet')), patienceMs);
		});
		try {
			const found = await Promise.race([opening, late]);
			if (found === null) throw new StreamError('unavailable', 'the agent is stopping');
			opened = found;
			return found;
		} catch (error) {
			// A refusal ends an attempt; the next append makes another one.
			if (!(error instanceof StreamError && error.code === 'unavailable')) opening = null;
			throw error;
		} finally {
			clearTimeout(timer);
		}
	};
	return {
		append: async (records) => (await connect()).log.append(records),
		async close() {
			const found = opened ?? (await opening?.catch(() => null)) ?? null;
			await found?.close();
		},
	};
}
