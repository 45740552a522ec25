// Is this digest right? (design 7.) The sensor can put another file's digest on an event; path, inode, size and flags
// are the event's own. Pure: a fact, what is expected, and the history of its inode and path.
import type { FileFact } from '@affidavit/model/facts.ts';
import { changesContent, type History, sameDevice, showsContent } from './history.ts';
import { copyWindowUs } from './limits.ts';

export interface Expected {
	/** sha256, hex. */
	sha256: string;
	/** Bytes; -1 unknown. */
	size: number;
}

/** Who changed the content since it was last seen right. */
export type Cause = 'foreign' | 'own' | 'unknown';

export type Judgement =
	| { kind: 'expected' }
	/** unjudged: of a lead, which waits for nothing. `shown`: false when no event carries the digest of what was read, only size or a write tell. */
	| {
			kind: 'differs';
			reason: 'size' | 'foreign-write' | 'held' | 'opens-agree' | 'own-write' | 'hashed-by-path' | 'unjudged';
			cause: Cause;
			shown: boolean;
	  }
	| { kind: 'mix-up'; reason: 'other-size' | 'other-opens' }
	| { kind: 'unverified'; reason: 'no-digest' | 'one-open' | 'mix-up' };

/** What the inode and the path went through before and at an open; made once per open that needs judging. */
interface Before {
	/** Content version of the last open that showed the expected content; -1 when none did. */
	goodVersion: number;
	/** An open of this very version showed it. */
	goodNow: boolean;
	foreign: boolean;
	own: boolean;
}

export function judgeOpen(f: FileFact, expected: Expected, history: History, startUs: number): Judgement {
	if (f.digest === expected.sha256 && sizeFits(f.size, expected)) return { kind: 'expected' };
	const before = lookBack(f, expected, history, startUs);
	const cause: Cause = before.foreign || f.heldBy !== '' ? 'foreign' : before.own ? 'own' : 'unknown';
	const mixed = f.digest !== '' && isMixedUp(f, history);
	// (a) The size is the event's own: content of another size is other content, whatever digest came with it.
	if (!sizeFits(f.size, expected)) {
		const shown = f.digest !== '' && f.digest !== expected.sha256 && !mixed;
		return { kind: 'differs', reason: 'size', cause, shown };
	}
	if (f.digest === '')
		return closed(before, f, cause, { kind: 'unverified', reason: 'no-digest' }, { kind: 'expected' });
	// A tracer that hashes the path itself cannot mix up two files: one open is enough. It sees no writes, so that nothing
	// of it says that the session itself made the change.
	if (isHashedByPath(f))
		return { kind: 'differs', reason: 'hashed-by-path', cause: cause === 'own' ? 'unknown' : cause, shown: true };
	// (b) Elsewhere this digest belongs to a file of another size.
	if (mixed) {
		const mixUp: Judgement = { kind: 'mix-up', reason: 'other-size' };
		return closed(before, f, cause, { kind: 'unverified', reason: 'mix-up' }, mixUp);
	}
	// (c) Someone changed it since it was last right, or two opens that are no copies agree.
	if (before.foreign) return { kind: 'differs', reason: 'foreign-write', cause, shown: true };
	if (f.heldBy !== '') return { kind: 'differs', reason: 'held', cause, shown: true };
	if (opensAgree(f, history)) return { kind: 'differs', reason: 'opens-agree', cause, shown: true };
	// (d) Others saw the expected content in this very version.
	if (before.goodNow) return { kind: 'mix-up', reason: 'other-opens' };
	// Seen right, then written by the session's own processes and nobody else: what differs is their edit. Without the
	// first half (a checkout by the session) the write explains the committed content as well.
	if (before.own && before.goodVersion >= 0) return { kind: 'differs', reason: 'own-write', cause, shown: true };
	return { kind: 'unverified', reason: 'one-open' };
}

/** (b) for a fact on its own: also what counts as a sensor's mix-up. */
export const isMixedUp = (f: FileFact, history: History): boolean =>
	(f.otherSize >= 0 && f.otherSize !== f.size) || history.otherMajority(f.digest, f.dev, f.ino, f.size);

/** Closed, not open: with no right digest of this version at all, a foreign write decides for a finding, else it is unverified. */
function closed(before: Before, f: FileFact, cause: Cause, otherwise: Judgement, whenGood: Judgement): Judgement {
	if (before.goodNow && f.heldBy === '') return whenGood;
	if (before.foreign) return { kind: 'differs', reason: 'foreign-write', cause, shown: false };
	if (f.heldBy !== '') return { kind: 'differs', reason: 'held', cause, shown: false };
	return otherwise;
}

const isHashedByPath = ({ assurance }: FileFact): boolean =>
	assurance === 'ptrace' || assurance === 'agent' || assurance === 'declared';

/** An unknown size, of the open or of what is expected, says nothing. */
const sizeFits = (size: number, expected: Expected): boolean => size < 0 || expected.size < 0 || size === expected.size;

const isGood = (f: FileFact, expected: Expected): boolean =>
	showsContent(f) && f.digest === expected.sha256 && sizeFits(f.size, expected);

function lookBack(f: FileFact, expected: Expected, history: History, startUs: number): Before {
	const inode = history.ofInode(f.dev, f.ino);
	const atPath = history.ofPath(f.path);
	let goodVersion = -1;
	let goodUs = -1;
	for (const g of inode) if (g.version <= f.version && isGood(g, expected)) goodVersion = g.version;
	for (const g of atPath) if (g.firstUs <= f.firstUs && isGood(g, expected) && g.firstUs > goodUs) goodUs = g.firstUs;
	const goodNow = goodVersion === f.version;
	let foreign = f.writerForeign && goodVersion >= 0 && !goodNow;
	let own = f.writer !== '' && !f.writerForeign && !goodNow;
	for (const m of inode) {
		if (!changesContent(m) || m.version > f.version || m.version <= goodVersion) continue;
		// Before the session and never seen right since: that is how the file came to be, not a change.
		if (m.foreign) foreign ||= goodVersion >= 0 || m.lastUs >= startUs;
		else own = true;
	}
	for (const m of atPath) {
		if (!m.foreign || !changesContent(m) || goodNow) continue;
		const onInode = m.ino !== '' && m.ino === f.ino && sameDevice(m.dev, f.dev);
		// Another file may have been moved onto the path; its versions are not comparable, times are.
		if (onInode || m.firstUs > f.lastUs || m.lastUs <= goodUs) continue;
		if (m.ino !== '' && m.op !== 'rename' && m.op !== 'link') continue;
		if (m.path !== f.path) continue;
		foreign ||= goodUs >= 0 || m.lastUs >= startUs;
	}
	return { goodVersion, goodNow, foreign, own };
}

/** Two opens of this version that are not the sensor's copies of one event show the same digest. */
function opensAgree(f: FileFact, history: History): boolean {
	let firstUs = f.firstUs;
	let lastUs = f.lastUs;
	for (const o of history.ofInode(f.dev, f.ino)) {
		if (o.version !== f.version || o.digest !== f.digest || !showsContent(o)) continue;
		if (o.execId !== f.execId) return true;
		if (o.firstUs < firstUs) firstUs = o.firstUs;
		if (o.lastUs > lastUs) lastUs = o.lastUs;
	}
	return lastUs - firstUs > copyWindowUs;
}
