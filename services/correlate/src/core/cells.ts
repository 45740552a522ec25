// A host's state as cells of the session store: only what changed is written (design 4, "Nothing is lost with the store").
import { CorrelateError } from '../errors.ts';
import type { Announced } from './arrival-state.ts';
import { shortDigestLength } from './batch-chain.ts';
import { countFolders, index } from './content.ts';
import { restoreSighting, type Sighting } from './digest-sizes.ts';
import { createHost, type Host, type Kept, type PendingExec } from './host.ts';
import type { ProcessChain } from './process-tree.ts';
import type { Session } from './session.ts';
import { loadContent, loadNode, type StoredContent, type StoredNode, storeContent, storeNode } from './stored.ts';

export type Cells = Map<string, Uint8Array | null>;

/** Cell keys: kind, host, own key. A host's name is encoded, so that no other host's key can start with it. */
const keyOf = (kind: 'h' | 'k' | 'p' | 'i' | 's' | 'd', host: Host, own: string): string =>
	`${kind}/${host.cellName}/${own}`;

const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

interface StoredSession extends Omit<Session, 'head'> {
	head: string;
}

type StoredSizes = { generation: number; sightings: [string, number, string, number][] };

/** Host cell: everything small. */
interface StoredHost {
	name: string;
	boot: string;
	recorded: boolean;
	assurance: Host['assurance'];
	observedUs: number;
	firstUs: number;
	loggedUs: number;
	silence: Host['silence'];
	skew: Host['skew'];
	/** `recent`: runs of sequences without a hole, each as its first sequence and the digests one after the other. */
	chain: Omit<Host['chain'], 'recent'> & { recent: [first: number, digests: string][] };
	watermarkUs: number;
	newestUs: number;
	generation: number;
	/** Absent in cells of a version before. */
	youngUs?: number;
	openings: number;
	gaps: Host['gaps'];
	kept: Omit<Kept, 'pending'>[];
	pendingExecs: [number, { event: PendingExec['event']; otherSize: number; copies: number; kept: number }[]][];
	/** null: never. */
	nextCloseUs: number | null;
	clock: number;
	refillFrom: number;
	marks: Host['records']['marks'];
	/** Absent: none. */
	announced?: [session: string, announced: Announced][];
}

/** Apart from the host's own cell, which every commit writes. */
interface StoredHooks {
	seen: string[];
	listed: [hook: string, fromUs: number][];
}

const storedHooks = (host: Host): StoredHooks => ({ seen: [...host.hooks], listed: [...host.listedHooks] });

/** Writes what changed since the last snapshot, and forgets that it changed. */
export function snapshot(host: Host, cells: Cells): void {
	for (const key of host.dropped) cells.set(key, null);
	host.dropped = [];
	for (const id of host.closedSessions) cells.set(keyOf('s', host, id), null);
	host.closedSessions.clear();
	for (const session of host.dirtySessions)
		if (!session.closed) cells.set(keyOf('s', host, session.id), encode(storedSession(session)));
	host.dirtySessions.clear();
	snapshotProcesses(host, cells);
	snapshotContents(host, cells);
	snapshotSizes(host, cells);
	if (host.hooksChanged) cells.set(keyOf('k', host, ''), encode(storedHooks(host)));
	host.hooksChanged = false;
	cells.set(keyOf('h', host, ''), encode(storedHost(host)));
}

const storedSession = (session: Session): StoredSession => ({
	...session,
	head: Buffer.from(session.head).toString('hex'),
});

function snapshotProcesses(host: Host, cells: Cells): void {
	const { tree } = host;
	for (const id of tree.removed) cells.set(keyOf('p', host, id), null);
	tree.removed.clear();
	for (const id of tree.dirty) {
		const node = tree.nodes.get(id);
		if (node === undefined) continue;
		const parent = tree.nodes.get(node.info.parentExecId);
		const current = tree.pids.get(node.info.pid) === node;
		cells.set(keyOf('p', host, id), encode(storeNode(node, parent, current)));
	}
	tree.dirty.clear();
}

function snapshotContents(host: Host, cells: Cells): void {
	const { contents } = host;
	for (const id of contents.removed) cells.set(keyOf('i', host, String(id)), null);
	contents.removed.clear();
	for (const content of contents.dirty) {
		content.dirty = false;
		cells.set(keyOf('i', host, String(content.id)), encode(storeContent(content)));
	}
	contents.dirty.clear();
}

function snapshotSizes(host: Host, cells: Cells): void {
	const { sizes, sizePieces } = host;
	for (const [piece, generation] of sizePieces) {
		if (generation >= sizes.generation - 1) break;
		cells.set(keyOf('d', host, String(piece)), null);
		sizePieces.delete(piece);
	}
	if (sizes.added.length === 0) return;
	for (let at = 0; at < sizes.added.length; ) {
		const generation = (sizes.added[at] as { generation: number }).generation;
		const stored: StoredSizes = { generation, sightings: [] };
		for (; at < sizes.added.length && sizes.added[at]?.generation === generation; at++) {
			const { digest, sighting } = sizes.added[at] as { digest: string; sighting: Sighting };
			stored.sightings.push([digest, sighting.dev, sighting.ino, sighting.size]);
		}
		if (generation < sizes.generation - 1) continue;
		const piece = ++host.sizePieceLast;
		sizePieces.set(piece, generation);
		cells.set(keyOf('d', host, String(piece)), encode(stored));
	}
	sizes.added = [];
}

function storedRecent(recent: ReadonlyMap<number, string>): [number, string][] {
	const runs: [number, string][] = [];
	let next = -1;
	for (const [sequence, digest] of recent) {
		const run = runs.at(-1);
		if (run !== undefined && sequence === next) run[1] += digest;
		else runs.push([sequence, digest]);
		next = sequence + 1;
	}
	return runs;
}

function restoredRecent(runs: readonly [number, string][]): Map<number, string> {
	const recent = new Map<number, string>();
	for (const [first, digests] of runs)
		for (let i = 0; i * shortDigestLength < digests.length; i++)
			recent.set(first + i, digests.slice(i * shortDigestLength, (i + 1) * shortDigestLength));
	return recent;
}

function storedHost(host: Host): StoredHost {
	const { chain, kept } = host;
	return {
		name: host.name,
		boot: host.boot,
		recorded: host.recorded,
		assurance: host.assurance,
		observedUs: host.observedUs,
		loggedUs: host.loggedUs,
		silence: host.silence,
		skew: host.skew,
		firstUs: host.firstUs,
		chain: { ...chain, recent: storedRecent(chain.recent) },
		watermarkUs: host.reorder.watermarkUs,
		newestUs: host.reorder.newestUs,
		generation: host.sizes.generation,
		youngUs: host.sizes.youngUs,
		openings: host.openings,
		gaps: host.gaps,
		kept: kept.map(({ pending: _, ...rest }) => rest),
		pendingExecs: [...host.pendingExecs].map(([pid, list]) => [
			pid,
			list.map(({ event, otherSize, copies, kept: k }) => ({
				event,
				otherSize,
				copies,
				kept: k === null ? -1 : kept.indexOf(k),
			})),
		]),
		nextCloseUs: Number.isFinite(host.nextCloseUs) ? host.nextCloseUs : null,
		clock: host.contents.clock,
		refillFrom: host.refillFrom,
		marks: host.records.marks,
		...(host.announced.size > 0 ? { announced: [...host.announced] } : {}),
	};
}

/** Every cell that a host may have, its own excepted. */
export function* cellKeysOf(host: Host): Iterable<string> {
	yield keyOf('k', host, '');
	for (const id of host.tree.nodes.keys()) yield keyOf('p', host, id);
	for (const id of host.tree.removed) yield keyOf('p', host, id);
	for (const content of host.contents.all) yield keyOf('i', host, String(content.id));
	for (const id of host.contents.removed) yield keyOf('i', host, String(id));
	for (const piece of host.sizePieces.keys()) yield keyOf('d', host, String(piece));
	for (const id of host.sessions.keys()) yield keyOf('s', host, id);
}

interface Loading {
	host: Host;
	nodes: StoredNode[];
	contents: StoredContent[];
	sizes: [number, StoredSizes][];
}

/** Rebuilds the hosts of a partition from its cells. */
export function restore(cells: ReadonlyMap<string, Uint8Array>): Map<string, Host> {
	const loading = new Map<string, Loading>();
	for (const [key, bytes] of cells) {
		const kind = key.slice(0, 2);
		if (!/^[hkpisd]\/$/.test(kind)) continue;
		const end = key.indexOf('/', 2);
		const name = decodeURIComponent(key.slice(2, end));
		let one = loading.get(name);
		if (one === undefined) {
			one = { host: createHost(name), nodes: [], contents: [], sizes: [] };
			loading.set(name, one);
		}
		const value = decode(key, bytes);
		if (kind === 'h/') restoreHost(one.host, value as StoredHost);
		else if (kind === 'k/') restoreHooks(one.host, value as StoredHooks);
		else if (kind === 's/') restoreSession(one.host, value as StoredSession);
		else if (kind === 'p/') one.nodes.push(value as StoredNode);
		else if (kind === 'i/') one.contents.push(value as StoredContent);
		else one.sizes.push([Number(key.slice(end + 1)), value as StoredSizes]);
	}
	const hosts = new Map<string, Host>();
	for (const [name, one] of loading) {
		restoreNodes(one.host, one.nodes);
		restoreContents(one.host, one.contents);
		restoreSizes(one.host, one.sizes);
		hosts.set(name, one.host);
	}
	return hosts;
}

function decode(key: string, bytes: Uint8Array): unknown {
	try {
		return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
	} catch (cause) {
		throw new CorrelateError('corrupt-cell', `cell ${JSON.stringify(key)}: expected JSON`, cause);
	}
}

function restoreHost(host: Host, stored: StoredHost): void {
	host.boot = stored.boot;
	host.recorded = stored.recorded;
	host.assurance = stored.assurance;
	host.observedUs = stored.observedUs;
	// Cells of a version before these were kept.
	host.loggedUs = stored.loggedUs ?? -1;
	host.silence = stored.silence ?? host.silence;
	host.skew = stored.skew ?? host.skew;
	host.firstUs = stored.firstUs;
	host.chain = { ...host.chain, ...stored.chain, recent: restoredRecent(stored.chain.recent) };
	host.reorder.watermarkUs = stored.watermarkUs;
	host.reorder.newestUs = stored.newestUs;
	host.sizes.generation = stored.generation;
	host.sizes.youngUs = stored.youngUs ?? -1;
	host.openings = stored.openings;
	host.gaps = stored.gaps;
	host.kept = stored.kept.map((kept) => ({ ...kept, pending: null }));
	for (const [pid, list] of stored.pendingExecs)
		host.pendingExecs.set(
			pid,
			list.map(({ event, otherSize, copies, kept: at }) => {
				const kept = host.kept[at] ?? null;
				const pending: PendingExec = { event, otherSize, copies, kept };
				if (kept !== null) kept.pending = pending;
				return pending;
			}),
		);
	host.nextCloseUs = stored.nextCloseUs ?? Number.POSITIVE_INFINITY;
	host.contents.clock = stored.clock;
	host.refillFrom = stored.refillFrom;
	host.records.marks = stored.marks;
	host.announced = new Map(stored.announced);
}

function restoreHooks(host: Host, { seen, listed }: StoredHooks): void {
	host.hooks = new Set(seen);
	host.listedHooks = new Map(listed);
}

function restoreSession(host: Host, stored: StoredSession): void {
	host.sessions.set(stored.id, { ...stored, head: Buffer.from(stored.head, 'hex') });
}

function restoreNodes(host: Host, stored: StoredNode[]): void {
	const { tree, sessions } = host;
	const chains = new Map<string, ProcessChain>();
	const shared = (chain: ProcessChain): ProcessChain => {
		const known = chains.get(chain.id);
		if (known === undefined) {
			chains.set(chain.id, chain);
			return chain;
		}
		known.exitedUs = Math.max(known.exitedUs, chain.exitedUs);
		return known;
	};
	const byEpoch = new Map<number, Session>();
	for (const session of sessions.values()) byEpoch.set(session.epoch, session);
	// In order of admission a parent comes before its children, whose environment may be its own.
	stored.sort((a, b) => a[19] - b[19]);
	for (const one of stored) {
		const node = loadNode(one, tree.nodes.get(one[1])?.info.environment);
		node.chain = shared(node.chain);
		node.session = byEpoch.get(one[16]) ?? null;
		tree.nodes.set(node.info.execId, node);
		if (one[23]) tree.pids.set(node.info.pid, node);
		tree.order = Math.max(tree.order, node.order);
	}
	for (const session of sessions.values()) session.roots = session.roots.map(shared);
	host.sessions = new Map([...sessions].sort((a, b) => a[1].epoch - b[1].epoch));
}

function restoreContents(host: Host, stored: StoredContent[]): void {
	const { contents, sessions } = host;
	const open = new Set<number>();
	for (const session of sessions.values()) open.add(session.epoch);
	for (const content of stored.map(loadContent).sort((a, b) => a.touched - b.touched)) {
		content.marks = content.marks.filter((mark) => open.has(mark.session));
		contents.all.add(content);
		if (content.ino !== '') index(contents, content);
		if (content.ino === '' || content.dev === -1) contents.unresolved++;
		for (const name of content.names) {
			contents.byName.set(name, content);
			countFolders(contents, name, 1);
		}
	}
}

function restoreSizes(host: Host, stored: [number, StoredSizes][]): void {
	stored.sort((a, b) => a[0] - b[0]);
	for (const [piece, { generation, sightings }] of stored) {
		host.sizePieces.set(piece, generation);
		host.sizePieceLast = piece;
		for (const [digest, dev, ino, size] of sightings)
			restoreSighting(host.sizes, generation, digest, { dev, ino, size });
	}
}
