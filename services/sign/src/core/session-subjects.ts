import type { Subject } from '@affidavit/attest/statement.ts';
import { productSubject } from '@affidavit/attest/subjects.ts';
import { sessionUri } from '@affidavit/attest/type-uris.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { productsWithDigests } from './collection.ts';
import type { GatheredSession } from './gathered.ts';

/** The products; without any, the session itself (its id is a sha256), since a statement must have a subject. */
export function sessionSubjects({ facts }: GatheredSession, verdict: Verdict): Subject[] {
	const products = productsWithDigests(facts.products, facts.opened.workspace);
	if (products.length === 0) return [{ name: sessionUri(verdict.session), digest: { sha256: verdict.session } }];
	return products.map((p) => productSubject(p.path, p.sha256));
}
