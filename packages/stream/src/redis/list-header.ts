// The first element of every list of values: scripts.ts writes it, in the same commit as the values.
import { StreamError } from '../errors.ts';

export interface ListHeader {
	/** Index of the oldest value kept. */
	first: number;
	/** Of the largest value that the list ever held. */
	bytesMax: number;
	/** Another for each list that was ever begun, also of the same name. */
	id: string;
}

/** null: there is no such list. */
export function parseListHeader(bytes: unknown): ListHeader | null {
	if (bytes === null) return null;
	const found = Buffer.isBuffer(bytes)
		? bytes.toString('latin1').match(/^(\d{1,16}) \d{1,16} (\d{1,16}) (\S+)$/)
		: null;
	if (!found) throw new StreamError('store-corrupt', 'redis: a list without its header');
	return { first: Number(found[1]), bytesMax: Number(found[2]), id: found[3] ?? '' };
}
