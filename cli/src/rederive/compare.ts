// Each derived statement against what was signed, one in memory at a time.
import type { DerivedStatement } from '@affidavit/sign/derive.ts';
import { type Difference, firstDifference } from './difference.ts';
import { type SignedStatement, signedPayload } from './signed.ts';

export interface ComparedStatement {
	name: string;
	predicateType: string;
	/**
	 * `digest-only`: the envelope is not here, and the topic's record of it holds the derived payload's digest. `another`: signed
	 * under a name whose derived statement is equal to one that was signed, too.
	 */
	result: 'equal' | 'digest-only' | 'differs' | 'not-signed' | 'not-derived' | 'another';
	payloadSha256: string | null;
	envelope: string | null;
	/** Of `differs`; null where the envelope is not here, or only the bytes differ and what they say does not. */
	difference: Difference | null;
}

export interface Comparison {
	each: (statement: DerivedStatement) => Promise<void>;
	/** In order of derivation; what was signed and is not derived comes last. */
	end(): ComparedStatement[];
}

export function createComparison(signed: readonly SignedStatement[]): Comparison {
	const compared: ComparedStatement[] = [];
	const used = new Set<SignedStatement>();
	return {
		each: async ({ name, predicateType, bytes, sha256 }) => {
			const found = { name, predicateType, payloadSha256: sha256, envelope: null, difference: null };
			const ofDigest = signed.filter((one) => one.payloadSha256 === sha256 && one.predicateType === predicateType);
			for (const one of ofDigest) used.add(one);
			// The topic's word counts where no envelope of the name is here: one that is there is what was asked about.
			const isHere = signed.some((one) => one.name === name);
			const same = ofDigest.find(({ path }) => path !== null) ?? (isHere ? undefined : ofDigest[0]);
			if (same !== undefined) {
				// A digest's word is enough where there is nothing else; where there is, the bytes themselves are compared.
				const equal = same.path === null || Buffer.compare(await signedPayload(same), bytes) === 0;
				const result = !equal ? 'differs' : same.path === null ? 'digest-only' : 'equal';
				compared.push({ ...found, result, envelope: same.path });
				return;
			}
			const other =
				signed.find((one) => one.name === name && !used.has(one)) ??
				signed.find((one) => one.name === null && one.predicateType === predicateType && !used.has(one));
			if (other === undefined) {
				compared.push({ ...found, result: 'not-signed' });
				return;
			}
			used.add(other);
			const difference = other.path === null ? null : differenceOf(await signedPayload(other), bytes);
			compared.push({ ...found, result: 'differs', envelope: other.path, difference });
		},
		end: () => {
			const equal = new Set(compared.filter(({ result }) => result === 'equal').map(({ name }) => name));
			const left = signed.filter((one) => !used.has(one));
			return [
				...compared,
				...left.map(
					({ name, predicateType, payloadSha256, path }): ComparedStatement => ({
						name: name ?? '',
						predicateType,
						result: name !== null && equal.has(name) ? 'another' : 'not-derived',
						payloadSha256,
						envelope: path,
						difference: null,
					}),
				),
			];
		},
	};
}

function differenceOf(signed: Uint8Array, derived: Uint8Array): Difference | null {
	const parsed = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
	return firstDifference(parsed(signed), parsed(derived));
}
