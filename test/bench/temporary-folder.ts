import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The caller removes it. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'affidavit-bench-'));
