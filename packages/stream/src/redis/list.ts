// Reading lists without a script, so that a stage may read another's with no right to write. Each page is read together with the
// list's header after it: the same header before and after means that the indexes meant what they should.
import { StreamError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { type ListHeader, parseListHeader } from './list-header.ts';
import { inOneGo } from './load.ts';

const pageBytes = 4 * 1024 ** 2;
const pageValuesMax = 1024;
/** Pages in a row that a spill made void. */
const attemptsMax = 100;

/** So many that a page stays within its bytes whichever values they are. */
const pageLength = (header: ListHeader): number =>
	Math.max(1, Math.min(pageValuesMax, Math.floor(pageBytes / Math.max(header.bytesMax, 1))));

export async function* readList(
	connection: Connection,
	key: string | Buffer,
	from: number,
): AsyncGenerator<Uint8Array> {
	const { client, answer } = connection;
	let header = parseListHeader(await answer('list', client.lindexBuffer(key, 0)));
	if (!header) return;
	const { id } = header;
	let next = from;
	for (let attempt = 0; attempt < attemptsMax; attempt++) {
		next = Math.max(next, header.first);
		const position = next - header.first + 1;
		const count = pageLength(header);
		const [page, head] = await answer(
			'list',
			inOneGo(
				client
					.pipeline()
					.lrangeBuffer(key, position, position + count - 1)
					.lindexBuffer(key, 0)
					.exec(),
			),
		);
		const after = parseListHeader(head);
		// Dropped meanwhile, and perhaps begun anew: another list.
		if (after?.id !== id) return;
		const isSame: boolean = after.first === header.first;
		header = after;
		if (!isSame) continue;
		attempt = 0;
		const values = page as Buffer[];
		for (const value of values) yield value;
		next += values.length;
		if (values.length < count) return;
	}
	throw new StreamError('unavailable', 'redis: list: its oldest values went faster than they could be read');
}

export async function readExtent(
	connection: Connection,
	key: string | Buffer,
): Promise<{ first: number; end: number }> {
	const { client, answer } = connection;
	for (let attempt = 0; attempt < attemptsMax; attempt++) {
		const [before, length, after] = await answer(
			'listExtent',
			inOneGo(client.pipeline().lindexBuffer(key, 0).llen(key).lindexBuffer(key, 0).exec()),
		);
		const header = parseListHeader(before);
		const same = parseListHeader(after);
		if (header?.id !== same?.id || header?.first !== same?.first) continue;
		if (!header) return { first: 0, end: 0 };
		return { first: header.first, end: header.first + (length as number) - 1 };
	}
	throw new StreamError('unavailable', 'redis: listExtent: its oldest values went faster than it could be read');
}
