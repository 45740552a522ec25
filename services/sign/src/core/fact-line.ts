// Canonical JSON lines of facts (RFC 8785). File facts are written by hand: there can be a million of them.
import { canonicalJson } from '@affidavit/model/digests.ts';
import type { FileFact } from '@affidavit/model/facts.ts';

const text = JSON.stringify;

/** The same bytes as canonicalJson(fact), which a test holds it to. */
export const fileFactJson = (f: FileFact): string =>
	`{"assurance":"${f.assurance}","copies":${f.copies},"count":${f.count},"dev":${f.dev},"digest":${text(f.digest)},"execId":${text(f.execId)},"firstUs":${f.firstUs},"flags":${f.flags},"foreign":${f.foreign},"heldBy":${text(f.heldBy)},"ino":${text(f.ino)},"lastUs":${f.lastUs},"op":"${f.op}","otherSize":${f.otherSize},"path":${text(f.path)},"path2":${text(f.path2)},"size":${f.size},"version":${f.version},"writer":${text(f.writer)},"writerForeign":${f.writerForeign}}`;

/** Kinds of lines, in the order in which a log holds them. */
export type LogKind = 'process' | 'connection' | 'ptrace' | 'gap' | 'note' | 'product' | 'file';

export const logLine = (kind: LogKind, fact: unknown): string => `{"fact":${canonicalJson(fact)},"kind":"${kind}"}\n`;

export const fileLogLine = (fact: FileFact): string => `{"fact":${fileFactJson(fact)},"kind":"file"}\n`;
