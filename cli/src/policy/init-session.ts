// What `policy init` takes from a session: who signed it, which attestations it has, which programs ran, whom it called.
import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import {
	envelopeBytesMax,
	parseEnvelope,
	payloadSha256,
	type TrustedKey,
	verifyEnvelope,
} from '@affidavit/attest/dsse.ts';
import type { RuntimeTrace } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';
import type { WitnessCollection } from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import { isObject, parseStatement } from '@affidavit/attest/statement.ts';
import { collectionPredicateType } from '@affidavit/attest/type-uris.ts';
import { CliError } from '../errors.ts';
import type { SessionSummary } from '../sessions/summary.ts';
import { readTrace } from '../sessions/trace.ts';
import { readBounded, readPublicKeys } from '../verify/inputs.ts';

export interface GoodBuild {
	summary: SessionSummary;
	/** The collection's file. */
	envelope: string;
	collection: WitnessCollection;
	signer: TrustedKey;
	/** null when the runtime-trace statement is not there: connections and self-made programs are then unknown. */
	trace: RuntimeTrace | null;
}

/** Throws CliError (usage, session-unreadable, file-missing) when no policy can be made from the session. */
export async function readGoodBuild(
	summary: SessionSummary,
	outDir: string,
	keys: readonly TrustedKey[],
): Promise<GoodBuild> {
	const id = summary.session.slice(0, 12);
	if (summary.verdict !== 'passed')
		throw new CliError('usage', `session ${id} is ${summary.verdict}: a policy is made from builds that passed`);
	const said = summary.statements.find((s) => s.predicateType === collectionPredicateType);
	if (!said?.envelope) throw new CliError('session-unreadable', `session ${id}: no collection was signed for it`);
	const path = isAbsolute(said.envelope) ? said.envelope : join(outDir, said.envelope);
	const refuse = (reason: string): CliError => new CliError('session-unreadable', `${path}: ${reason}`);
	const parsed = parseEnvelope(await readBounded(path, envelopeBytesMax));
	if (parsed.kind === 'invalid') throw refuse(parsed.reason);
	if (payloadSha256(parsed.envelope) !== said.payloadSha256)
		throw refuse('is another statement than the session names');
	const signer = keys.find((key) => verifyEnvelope(parsed.envelope, [key]).kind === 'verified');
	if (!signer)
		throw new CliError('usage', `${path}: signed by none of the known keys; name its public key with --public-key`);
	const statement = parseStatement(parsed.envelope.payload);
	if (statement.kind === 'invalid') throw refuse(statement.reason);
	const { predicateType, predicate } = statement.statement;
	if (predicateType !== collectionPredicateType || !isObject(predicate) || !isAffidavits(predicate))
		throw refuse('expected a collection of Affidavit');
	const trace = await readTrace(summary, outDir);
	return {
		summary,
		envelope: path,
		// Signed by us a moment ago, and the very statement that the session names.
		collection: predicate as unknown as WitnessCollection,
		signer,
		trace: trace.kind === 'trace' ? trace.trace : null,
	};
}

const isAffidavits = ({ attestations, affidavit }: Record<string, unknown>): boolean =>
	Array.isArray(attestations) && isObject(affidavit) && isObject(affidavit['omitted']);

/** Public keys of a data folder that are looked at. */
const keysMax = 100;

/** The named keys, else those of the data folder. */
export async function functionaryKeys(named: readonly string[], dataDir: string): Promise<TrustedKey[]> {
	if (named.length > 0) return readPublicKeys(named);
	const folder = join(dataDir, 'keys');
	let names: string[];
	try {
		names = await readdir(folder);
	} catch {
		return [];
	}
	const files = names.filter((name) => name.endsWith('.pub.pem')).sort();
	return readPublicKeys(files.slice(0, keysMax).map((name) => join(folder, name)));
}
