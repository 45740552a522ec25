// Who wrote a record (design 4.4): every record of a shared log carries the signature of the stage that made it, so that one
// written by another principal is told from it, whatever the broker's ACLs let through. The types; keyed-seals.ts has the keys.
import type { LogRecord, Origin, OutRecord, Seal } from '../ports.ts';

/** Closed list; docs/errors.md explains each. `unsealed`: no seal where one is due. `unknown-sealer`: no key of that id. `wrong-sealer`: its key may not write this topic or this origin. `bad-seal`: the signature does not match. `misplaced`: the record is not in its key's partition. */
export type SealErrorCode = 'unsealed' | 'unknown-sealer' | 'wrong-sealer' | 'bad-seal' | 'misplaced';

export interface SealRefusal {
	code: SealErrorCode;
	/** Names the field and what was expected. */
	message: string;
}

export interface Seals {
	/** Deterministic: the same record gets the same seal. */
	seal(record: OutRecord & { origin: Origin }): Seal;
	/** As `seal` for each, in order, at the cost of few signatures: records that are published together share one. */
	sealAll(records: readonly (OutRecord & { origin: Origin })[]): Seal[];
	/** null: the record is its origin's. Never throws. Records of `trace` pass: their batches carry the host's signature. */
	check(record: LogRecord): SealRefusal | null;
}
