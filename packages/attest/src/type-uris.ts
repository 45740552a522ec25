// Type URIs of statements, predicates and attestations, each with where it is defined.

/** DSSE payload type of every in-toto statement. */
export const inTotoPayloadType = 'application/vnd.in-toto+json';
export const statementTypeV1 = 'https://in-toto.io/Statement/v1';
/** What Witness writes; readers take both. */
export const statementTypeV01 = 'https://in-toto.io/Statement/v0.1';

/** Witness's collection. The exact URI matters: Archivista indexes collections under this one only. */
export const collectionPredicateType = 'https://witness.testifysec.com/attestation-collection/v0.1';
export const materialType = 'https://witness.dev/attestations/material/v0.1';
export const commandRunType = 'https://witness.dev/attestations/command-run/v0.1';
export const productType = 'https://witness.dev/attestations/product/v0.1';
export const gitType = 'https://witness.dev/attestations/git/v0.1';

/** SLSA Verification Summary Attestation v1. */
export const vsaPredicateType = 'https://slsa.dev/verification_summary/v1';

/** Ours: everything that was seen, with its assurance (schemas/predicates/runtime-trace-v0.1.schema.json). */
export const runtimeTracePredicateType = 'https://affidavit.dev/attestations/runtime-trace/v0.1';
/** Ours: executed and read digests as subjects, for search; never for artifact verification (schemas/predicates/index-v0.1.schema.json). */
export const indexPredicateType = 'https://affidavit.dev/attestations/index/v0.1';

export const verifierId = 'https://affidavit.dev/verifier/v0.1';

/** URI of a session, as VSAs name the resource that they are about. */
export const sessionUri = (session: string): string => `https://affidavit.dev/sessions/${session}`;
